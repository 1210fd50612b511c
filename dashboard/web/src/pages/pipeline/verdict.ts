import { type Status } from "../../api/status";
import { type Liveness } from "../../state/liveness";
import { type Formats } from "../../format/number";

/** How things are, the worst first. */
export interface Finding {
  level: "bad" | "warn";
  what: string;
  todo: string;
}

/** Figures older than this many seconds are worth a look, in a pipeline that commits every second at most. */
const BEHIND_S = 5;

export const behindOf = (s: Status): number => Math.max(0, (Date.parse(s.at) - Date.parse(s.complete_through)) / 1000);

/** What an engineer on call has to know. moving tells which shards have advanced lately. */
export function findingsOf(s: Status, liveness: Liveness, f: Formats, moving: (shard: number) => boolean): Finding[] {
  const found: Finding[] = [];
  const bad = (what: string, todo: string) => found.push({ level: "bad", what, todo });
  const warn = (what: string, todo: string) => found.push({ level: "warn", what, todo });

  if (liveness.state === "gone") bad("The server does not answer.", "What is shown here is from before. Look whether the process runs, and at its log.");
  if (s.log.failed) bad(`The log can't be asked: ${s.log.failed}`, "Events are not accepted until it answers. Look at the disk, or at the log's servers.");
  if (s.quarantine_lost > 0) bad(`${f.count(s.quarantine_lost)} rejected records could not be kept.`, "The store refused them. Its log says why.");
  for (const differing of s.verify.differing_days) bad(...differs(differing, f));
  if (s.verify.unverified) warn(`Closed days can't be verified: ${s.verify.unverified}`, "The figures are as they were; that they are those of the log can't be proven.");
  const behind = behindOf(s);
  if (behind > BEHIND_S) warn(`The figures are ${f.duration(behind)} behind.`, "Commits fail or do not keep up: see the commits, and the shards below.");
  for (const shard of s.shards) {
    if (shard.lag === null && !s.log.failed) warn(`The lag of shard ${shard.shard} is not known.`, "The log did not answer for it.");
    if (shard.lag && !moving(shard.shard)) bad(`Shard ${shard.shard} stands still with ${f.count(shard.lag)} waiting.`, "It has no owner that works: look for the process that has the role aggregate.");
  }
  if (s.source?.missed) warn(`${f.count(s.source.missed)} messages of the source were missed.`, "They were deleted before they were read, or lost on their way.");
  const redis = s.cache.redis;
  if (redis && (!redis.connected || redis.breaker !== "closed")) warn("Redis does not answer.", "Figures stay right; answers take longer.");
  return found.sort((a, b) => Number(b.level === "bad") - Number(a.level === "bad"));
}

function differs({ day, differences }: { day: string; differences: number }, f: Formats): [what: string, todo: string] {
  const figures = `${f.count(differences)} ${differences === 1 ? "figure" : "figures"}`;
  if (day === "") return [`The store differs from the log as a whole in ${figures}.`, "Run rollcall verify, which names them."];
  return [`${day} differs from the log in ${figures}.`, `Run rollcall verify --days ${day}, which names them, then rollcall rebuild --days ${day}.`];
}

/** The one sentence at the top. */
export function verdictOf(s: Status, findings: Finding[], f: Formats): string {
  const [worst] = findings;
  if (worst) return findings.length === 1 ? worst.what : `${worst.what} And ${findings.length - 1} more.`;
  return `All is well: ${f.duration(Math.round(behindOf(s) * 10) / 10)} behind, ${f.count(s.lag ?? 0)} waiting.`;
}
