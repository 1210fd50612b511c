import { type Explanation, type Step } from "../../api/explain";
import { type Dates } from "../../format/date";
import { type Formats } from "../../format/number";

/** What an explanation is put into words with. */
export interface Tongue {
  formats: Formats;
  dates: Dates;
}

const some = (formats: Formats, n: number, one: string, many = `${one}s`): string => `${formats.count(n)} ${n === 1 ? one : many}`;

function signed(n: number, text: string): string {
  return n > 0 ? `+${text}` : `−${text}`;
}

/** What a step did, leaving out what it did not. */
export function didOf(step: Step, { formats }: Tongue): string[] {
  const parts: string[] = [];
  const add = (n: number, one: string) => {
    if (n !== 0) parts.push(signed(n, some(formats, Math.abs(n), one)));
  };
  add(step.events, "event");
  add(step.sessions, "session");
  if (step.sessions_taken_back) parts.push(`${some(formats, step.sessions_taken_back, "session")} taken back`);
  add(step.bounces, "bounce");
  if (step.total_session_duration) parts.push(`${signed(step.total_session_duration, formats.duration(Math.abs(step.total_session_duration)))} in sessions`);
  add(step.new_users, "new user");
  add(step.active_users, "active user");
  if (step.duplicates) parts.push(`${some(formats, step.duplicates, "duplicate")} dropped`);
  if (step.late) parts.push(`${some(formats, step.late, "late event")} in quarantine`);
  return parts;
}

/** When a step was. */
export function whenOf(step: Step, { dates }: Tongue): string {
  const from = step.from ?? "";
  switch (step.kind) {
    case "before_history": return "Before the history";
    case "day": return "By the end of the day";
    case "first": return `First counted ${dates.bucket(from, "hour")}`;
    case "later": return step.hours > 1 ? `Later, ${dates.bucket(from, "hour")} to ${dates.bucket(step.to ?? from, "hour")}` : `Later, ${dates.bucket(from, "hour")}`;
  }
}

/** Since when each build is in use, and what its figures depend on; none where there was no rebuild. */
export function builtOf(x: Explanation, { dates }: Tongue): { when: string; first: boolean; settings: string }[] {
  return x.builds.map((b) => ({
    when: `Build ${b.build}, in use ${b.build === x.build ? "since" : "from"} ${dates.bucket(b.in_use, "hour")}`,
    first: b.build === 1,
    settings: Object.entries(b.settings).filter(([, text]) => text !== "").map(([name, text]) => `${name} ${text}`).join(", "),
  }));
}

/** Whether the day changed, in a sentence or two. */
export function answerOf(x: Explanation, tongue: Tongue): string {
  const day = tongue.dates.day(x.day);
  const dropped = (steps: Step[]) => didOf({ ...(steps[0] ?? x.since), ...nothing, duplicates: sum(steps, "duplicates"), late: sum(steps, "late") }, tongue);
  const besides = (parts: string[]) => (parts.length ? ` Besides: ${parts.join(", ")}.` : "");
  switch (x.verdict) {
    case "empty": return `Nothing is counted on ${day}.${besides(dropped(x.steps))}`;
    case "open": return `${day} is not over: its figures go on changing.`;
    case "unchanged": return `${day} has not changed since it was counted.${besides(didOf(x.since, tongue))}`;
    case "changed": return `${day} has changed since it was counted: ${didOf(x.since, tongue).join(", ")}.`;
  }
}

const nothing = { events: 0, sessions: 0, sessions_taken_back: 0, bounces: 0, total_session_duration: 0, new_users: 0, active_users: 0 };

const sum = (steps: Step[], of: "duplicates" | "late"): number => steps.reduce((n, step) => n + step[of], 0);

/** Why the history does not hold all of the day; null when it does. */
export function gapOf(x: Explanation, { dates }: Tongue): string | null {
  if (x.steps[0]?.kind !== "before_history") return null;
  if (!x.history_begins) return "There is no history yet: it begins with the next commit.";
  return `The history begins ${dates.bucket(x.history_begins, "hour")}; what is older is in the figures, and not told apart.`;
}
