import { type Build, type Rebuild } from "../../api/builds";
import { type Dates } from "../../format/date";
import { type Formats } from "../../format/number";

/** What a rebuild does, or what became of it. */
export function saidOf(r: Rebuild, f: Formats, d: Dates): string {
  const build = r.build > 0 ? `Build ${r.build}` : "A build";
  const left = r.seconds_left > 0 ? `, about ${f.duration(Math.ceil(r.seconds_left))} left` : "";
  switch (r.state) {
    case "done": return `The last rebuild ended ${d.moment(r.ended)}: build ${r.build} took over.`;
    case "failed": return `The last rebuild failed ${d.moment(r.ended)}: ${r.error}`;
    case "cancelled": return `The last rebuild was cancelled ${d.moment(r.ended)}; the figures in use are as they were.`;
  }
  if (r.phase === "verifying") return `${build} is compared with the log before it takes over.`;
  if (r.phase === "activating") return `${build} is taking over.`;
  return `${build} is being made: ${f.count(r.events)} of ${f.count(r.events_total)} events${left}.`;
}

/** How much of the log a rebuild has folded, from 0 to 1; null when that is not what it does. */
export function doneOf(r: Rebuild): number | null {
  return r.state === "running" && r.phase === "folding" && r.events_total > 0 ? Math.min(1, r.events / r.events_total) : null;
}

export const states: Record<Build["state"], string> = { active: "in use", kept: "kept", building: "not finished" };

/** What the figures of a build depend on; other tells what is not so in the build in use. */
export function settingsOf(b: Build, active: Build | undefined): { text: string; other: boolean }[] {
  const own = allOf(b);
  const used = active ? allOf(active) : own;
  return [...own].filter(([name, text]) => text !== "" || (used.get(name) ?? "") !== "").map(([name, text]) => ({
    text: text === "" ? `no ${name}` : `${name} ${text}`,
    other: text !== (used.get(name) ?? ""),
  }));
}

function allOf(b: Build): Map<string, string> {
  const settings = Object.entries(b.settings ?? {}).sort(([x], [y]) => (x < y ? -1 : 1));
  return new Map([["dimensions", b.dimensions.join(", ")], ["log.shards", String(b.shards)], ...settings]);
}
