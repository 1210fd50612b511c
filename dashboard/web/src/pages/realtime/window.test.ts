import { expect, test } from "vitest";
import { barAfter, barsOf, isMarked, windowOf } from "./window";

test.each([
  ["UTC", "2026-11-28T12:34:56.789Z", "2026-11-28T12:05:00Z", "2026-11-28T12:35:00Z"],
  ["Asia/Seoul", "2026-11-28T15:10:00Z", "2026-11-28T23:41:00+09:00", "2026-11-29T00:11:00+09:00"],
  ["Asia/Kathmandu", "2026-11-28T12:00:59Z", "2026-11-28T17:16:00+05:45", "2026-11-28T17:46:00+05:45"],
])("in %s the window of %s is half an hour that ends with the minute", (timezone, now, from, to) => {
  const span = windowOf({ instant: Date.parse(now), timezone });
  expect([Date.parse(span.from), Date.parse(span.to)]).toEqual([Date.parse(from), Date.parse(to)]);
  expect(span.from.slice(0, 16)).toBe(from.slice(0, 16));
});

test("the window across a change of the clock is half an hour too", () => {
  const span = windowOf({ instant: Date.parse("2026-11-01T06:10:30Z"), timezone: "America/New_York" }); // 01:10 again
  expect(Date.parse(span.to) - Date.parse(span.from)).toBe(30 * 60_000);
});

test("bars are as high as their share of the busiest minute", () => {
  const span = { from: "2026-11-28T12:00:00Z", to: "2026-11-28T12:02:00Z" };
  const rows = [{ bucket: "2026-11-28T12:00:00Z", active_users: 4 }, { bucket: "2026-11-28T12:01:00Z", active_users: 1 }];
  expect(barsOf(rows, span)).toEqual([
    { minute: "2026-11-28T12:00:00Z", users: 4, share: 1, open: false },
    { minute: "2026-11-28T12:01:00Z", users: 1, share: 0.25, open: true },
  ]);
  expect(barsOf([{ bucket: "2026-11-28T12:00:00Z", active_users: 0 }], span)[0]?.share).toBe(0);
});

test("round minutes are marked, and wander with their bars", () => {
  const bars = Array.from({ length: 30 }, (_, i) => ({ minute: new Date(Date.UTC(2026, 10, 28, 12, 1 + i)).toISOString(), users: 0, share: 0, open: i === 29 }));
  expect(bars.flatMap((bar, i) => (isMarked(bar, i, 30) ? [bar.minute.slice(11, 16)] : []))).toEqual(["12:05", "12:10", "12:15", "12:20", "12:25"]);
});

test.each([["ArrowLeft", 0, 0], ["ArrowRight", 5, 6], ["ArrowRight", 29, 29], ["Home", 9, 0], ["End", 9, 29]])("%s leads from bar %i to %i", (key, at, to) => {
  expect(barAfter(key, at, 30)).toBe(to);
});

test("other keys are the page's", () => expect(barAfter("Tab", 3, 30)).toBeNull());
