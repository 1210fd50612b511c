import { expect, test } from "vitest";
import { type Explanation, type Step } from "../../api/explain";
import { datesOf } from "../../format/date";
import { formatsOf } from "../../format/number";
import { answerOf, builtOf, didOf, gapOf, whenOf } from "./words";

const tongue = { formats: formatsOf("en-GB"), dates: datesOf("en-GB") };

const step = (change: Partial<Step>): Step => ({
  kind: "later", hours: 1, commits: 1, first_version: 1, last_version: 1, events: 0, sessions: 0, sessions_taken_back: 0, bounces: 0,
  total_session_duration: 0, new_users: 0, active_users: 0, duplicates: 0, late: 0, ...change,
});

const explanation = (change: Partial<Explanation>): Explanation => ({
  day: "2026-11-27", over: true, verdict: "unchanged", since: step({}), figures: [], cuboid: [], cells: [], rest: null, steps: [step({ kind: "day", events: 3 })],
  hours: [], version: 1, store_version: 1, build: 1, builds: [], shards: 1, ...change,
});

test("a step says what it did and nothing else", () => {
  expect(didOf(step({}), tongue)).toEqual([]);
  expect(didOf(step({ events: 1200, sessions: -1, sessions_taken_back: 2, bounces: 1, total_session_duration: -90, new_users: -1, active_users: 2, duplicates: 1, late: 3 }), tongue))
    .toEqual(["+1,200 events", "−1 session", "2 sessions taken back", "+1 bounce", "−1m 30s in sessions", "−1 new user", "+2 active users", "1 duplicate dropped", "3 late events in quarantine"]);
});

test("a step says when it was, in the report time zone", () => {
  expect(whenOf(step({ kind: "day" }), tongue)).toBe("By the end of the day");
  expect(whenOf(step({ from: "2026-11-28T09:15:02.1+09:00" }), tongue)).toBe("Later, Sat 28 Nov, 9:15");
  expect(whenOf(step({ from: "2026-11-28T09:15:02+09:00", to: "2026-11-29T01:00:00+09:00", hours: 3 }), tongue)).toBe("Later, Sat 28 Nov, 9:15 to Sun 29 Nov, 1:00");
});

test("the answer follows the verdict", () => {
  expect(answerOf(explanation({}), tongue)).toBe("27 Nov 2026 has not changed since it was counted.");
  expect(answerOf(explanation({ since: step({ duplicates: 2 }) }), tongue)).toBe("27 Nov 2026 has not changed since it was counted. Besides: 2 duplicates dropped.");
  expect(answerOf(explanation({ verdict: "changed", since: step({ events: 2, sessions_taken_back: 1 }) }), tongue)).toBe("27 Nov 2026 has changed since it was counted: +2 events, 1 session taken back.");
  expect(answerOf(explanation({ verdict: "open" }), tongue)).toContain("is not over");
  expect(answerOf(explanation({ verdict: "empty", steps: [] }), tongue)).toBe("Nothing is counted on 27 Nov 2026.");
  expect(answerOf(explanation({ verdict: "empty", steps: [step({ late: 1 }), step({ late: 1 })] }), tongue)).toBe("Nothing is counted on 27 Nov 2026. Besides: 2 late events in quarantine.");
});

test("a history that does not hold all says where it begins", () => {
  expect(gapOf(explanation({}), tongue)).toBeNull();
  const steps = [step({ kind: "before_history", events: 3 })];
  expect(gapOf(explanation({ steps }), tongue)).toContain("no history yet");
  expect(gapOf(explanation({ steps, history_begins: "2026-11-28T09:00:00Z" }), tongue)).toContain("begins Sat 28 Nov, 9:00");
});

test("a rebuild says since when its figures are in use, and what they depend on", () => {
  const x = explanation({ build: 2, builds: [
    { build: 2, begun: "2026-11-28T09:00:00Z", in_use: "2026-11-28T09:15:02Z", settings: { session_gap: "1h", passive_types: "", timezone: "UTC" } },
    { build: 1, begun: "2026-11-01T00:00:00Z", in_use: "2026-11-01T00:00:00Z", settings: {} },
  ] });
  expect(builtOf(x, tongue)).toEqual([
    { when: "Build 2, in use since Sat 28 Nov, 9:15", first: false, settings: "session_gap 1h, timezone UTC" },
    { when: "Build 1, in use from Sun 1 Nov, 0:00", first: true, settings: "" },
  ]);
});
