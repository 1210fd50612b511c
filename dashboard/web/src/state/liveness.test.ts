import { expect, test } from "vitest";
import { type Heard, livenessOf, silence } from "./liveness";

const T = 1_000_000;
const fresh = (behindMs: number | null) => ({ at: "2026-11-28T08:00:20.000Z", complete_through: behindMs === null ? null : new Date(Date.parse("2026-11-28T08:00:20Z") - behindMs).toISOString() });
const heard = (behindMs: number | null, more: Partial<Heard> = {}): Heard => ({ connected: true, lostAt: null, heardAt: T, freshness: fresh(behindMs), ...more });

test("before anything is heard it connects", () => {
  expect(livenessOf(silence, T)).toEqual({ state: "connecting" });
  expect(livenessOf({ ...silence, connected: true }, T)).toEqual({ state: "connecting" });
});

test("figures are live up to ten seconds behind, then stale", () => {
  expect(livenessOf(heard(300), T)).toEqual({ state: "live", behindMs: 300 });
  expect(livenessOf(heard(10_000), T)).toEqual({ state: "live", behindMs: 10_000 });
  expect(livenessOf(heard(10_001), T)).toEqual({ state: "stale", behindMs: 10_001 });
});

test("a clock that runs ahead is not behind", () => expect(livenessOf(heard(-500), T)).toEqual({ state: "live", behindMs: 0 }));

test("how far behind may be unknown", () => {
  expect(livenessOf(heard(null), T)).toEqual({ state: "live", behindMs: null });
  expect(livenessOf(heard(0, { freshness: null }), T)).toEqual({ state: "live", behindMs: null });
});

test("silence of 25 seconds is a lost connection, though none was reported", () => {
  expect(livenessOf(heard(300), T + 25_000).state).toBe("live");
  expect(livenessOf(heard(300), T + 25_001)).toEqual({ state: "gone", sinceMs: 25_001 });
});

test("a lost connection counts from its loss, also when there was none before", () => {
  expect(livenessOf(heard(300, { connected: false, lostAt: T }), T + 4000)).toEqual({ state: "gone", sinceMs: 4000 });
  expect(livenessOf({ ...silence, lostAt: T }, T + 1000)).toEqual({ state: "gone", sinceMs: 1000 });
});
