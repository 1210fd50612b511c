import { expect, test } from "vitest";
import { type Status } from "../../api/status";
import { formatsOf } from "../../format/number";
import { dumpOf, visible } from "./raw";
import { hitRate, isMoving, rateOf, ratesOf, type Reading, withReading } from "./readings";
import { findingsOf, verdictOf } from "./verdict";

const f = formatsOf("en-US");

function status(second: number, change: Partial<Status> = {}): Status {
  const at = new Date(Date.UTC(2026, 10, 28, 12, 0, second)).toISOString();
  const shard = { shard: 0, owned: true, epoch: 1, offset: 10 * second, snapshot: 0, log_first: 0, log_next: 0, lag: 0, accepted: 0, duplicates: 0, late: 0, users: 0 };
  return {
    version: "v", at, started: "2026-11-28T11:00:00Z", complete_through: at, roles: [], dimensions: [], timezone: "UTC", accepted: 100 * second, duplicates: 0, late: 0, users: 0,
    lag: 0, quarantine_lost: 0, quarantine: { total: 0, more: false, reasons: [] }, commits_since_start: 0, snapshots_since_start: 0, commit_retries: 0, shards_fenced: 0, last_commit_ms: 0,
    log: { kind: "embedded", segments: 1, bytes: 0, appends_since_start: 0, syncs_since_start: 0, sync_p99_ms: 0 }, shards: [shard], store: [],
    cache: { kind: "memory", bytes: 0, budget: 0, entries: 0, evicted: 0, kinds: [] },
    verify: { background: true, running: false, verified_through: null, closed_days: 0, verified_days: 0, pending_days: 0, differing_days: [], last_run_ms: 0 }, ...change,
  };
}

const read = (...all: Status[]): Reading[] => all.reduce<Reading[]>(withReading, []);
const accepted = (s: Status) => s.accepted;
const findings = (s: Status, moving = true) => findingsOf(s, { state: "live", behindMs: 0 }, f, () => moving);
const shard = (s: Status, change: Partial<Status["shards"][0]>): Status => ({ ...s, shards: s.shards.map((one) => ({ ...one, ...change })) });

test("rates follow the server's clock", () => {
  const readings = read(status(0), status(2), status(4, { accepted: 1000 }));
  expect(rateOf(readings, accepted)).toBe(250);
  expect(rateOf(readings, accepted, 2000)).toBe(400);
  expect(ratesOf(readings, accepted)).toEqual([100, 400]);
  expect(rateOf(read(status(0)), accepted)).toBeNull();
});

test("a server started anew, or a clock set back, begins anew", () => {
  expect(read(status(5), status(6, { started: "2026-11-28T11:59:00Z" }))).toHaveLength(1);
  expect(read(status(5), status(5))).toHaveLength(1);
  expect(read(status(5), status(6, { accepted: 0 }))).toHaveLength(1);
});

test("readings are of five minutes", () => {
  expect(read(...Array.from({ length: 400 }, (_, i) => status(i)))).toHaveLength(300);
});

test("a shard stands still when its offset has not risen for ten seconds", () => {
  const still = (second: number) => shard(status(second), { offset: 7 });
  expect(isMoving(read(still(0), still(9)), 0)).toBe(true);
  expect(isMoving(read(still(0), still(10)), 0)).toBe(false);
  expect(isMoving(read(status(0), status(10)), 0)).toBe(true);
});

test("the hit rate is that of all kinds", () => {
  expect(hitRate([{ hits: 3, misses: 1 }, { hits: 0, misses: 0 }])).toBe(0.75);
  expect(hitRate([])).toBeNull();
});

test("all is well", () => {
  const s = status(1);
  expect(findings(s)).toEqual([]);
  expect(verdictOf(s, [], f)).toBe("All is well: 0s behind, 0 waiting.");
});

test.each<[string, Status, RegExp]>([
  ["the log has failed", status(1, { log: { ...status(1).log, failed: "disk full" } }), /can't be asked: disk full/],
  ["letters are lost", status(1, { quarantine_lost: 3 }), /3 rejected records could not be kept/],
  ["a day differs", status(1, { verify: { ...status(1).verify, differing_days: [{ day: "2026-11-01", differences: 2, at: "" }] } }), /2026-11-01 differs from the log in 2 figures/],
  ["the log as a whole differs", status(1, { verify: { ...status(1).verify, differing_days: [{ day: "", differences: 1, at: "" }] } }), /as a whole in 1 figure\./],
  ["days can't be verified", status(1, { verify: { ...status(1).verify, unverified: "shard 0: trimmed" } }), /can't be verified: shard 0/],
  ["commits are late", status(30, { complete_through: status(0).at }), /30s behind/],
  ["a lag is not known", shard(status(1), { lag: null }), /lag of shard 0 is not known/],
  ["Redis is away", status(1, { cache: { ...status(1).cache, redis: { connected: true, breaker: "open", hits: 0, misses: 0, timeouts: 0, errors: 0, dropped_puts: 0 } } }), /Redis does not answer/],
])("when %s it says so", (_, s, said) => expect(verdictOf(s, findings(s), f)).toMatch(said));

test("the worst comes first, and the others are counted", () => {
  const s = shard(status(30, { complete_through: status(0).at }), { lag: 12345 });
  const found = findings(s, false);
  expect(found.map((one) => one.level)).toEqual(["bad", "warn"]);
  expect(verdictOf(s, found, f)).toBe("Shard 0 stands still with 12,345 waiting. And 1 more.");
});

test("a server that is gone is the worst", () => {
  expect(findingsOf(status(1), { state: "gone", sinceMs: 1 }, f, () => true)[0]?.what).toBe("The server does not answer.");
});

test.each([
  ["plain\n\ttext é 🎉", "plain\n\ttext é 🎉"],
  ["\u0000\u001b[31m\r", "\\u0000\\u001b[31m\\u000d"],
  ["a\u202eb\u200b\ufeff", "a\\u202eb\\u200b\\ufeff"],
  ["\ud800x", "\\ud800x"],
])("what can't be seen is spelled: %j", (raw, shown) => expect(visible(raw)).toBe(shown));

test("bytes are dumped 16 a line", () => {
  expect(dumpOf(btoa("\xff\x00A".padEnd(17, "B")))).toBe(
    "0000  ff 00 41 42 42 42 42 42 42 42 42 42 42 42 42 42  ..ABBBBBBBBBBBBB\n0010  42                                               B",
  );
});
