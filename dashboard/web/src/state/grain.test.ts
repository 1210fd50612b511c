import { expect, test } from "vitest";
import { type Grain, grainOf, isGrain, naturalGrain, refusal } from "./grain";
import { type Now } from "./range";

const now: Now = { instant: Date.parse("2026-11-28T08:00:00Z"), timezone: "UTC" };

test.each<[string, string, Grain]>([
  ["2026-11-28T06:00:00Z", "2026-11-28T08:00:00Z", "minute"],
  ["2026-11-28", "2026-11-29", "hour"],
  ["2026-11-27", "2026-11-29", "hour"],
  ["2026-06-01", "2026-06-02", "day"],
  ["2026-11-22", "2026-11-29", "day"],
  ["2026-05-27", "2026-11-29", "day"],
  ["2025-12-01", "2026-11-29", "week"],
  ["2020-01-01", "2026-11-29", "month"],
])("%s to %s suits %s", (from, to, grain) => expect(naturalGrain({ from, to }, now)).toBe(grain));

test.each<[Grain, string, string, string | null]>([
  ["hour", "2026-08-31", "2026-11-29", null],
  ["hour", "2026-08-30", "2026-08-31", "Kept for 90 days"],
  ["minute", "2026-11-27", "2026-11-29", null],
  ["minute", "2026-11-26", "2026-11-27", "Kept for 2 days"],
  ["minute", "2026-11-25", "2026-11-29", "Choose 2 days or less"],
  ["day", "2026-11-28T00:00:00Z", "2026-11-28T08:00:00Z", "Choose 1 days or more"],
  ["month", "2026-11-01", "2026-11-29", null],
  ["month", "2026-11-02", "2026-11-29", "Choose 28 days or more"],
  ["week", "2026-11-23", "2026-11-29", "Choose 7 days or more"],
  ["day", "2020-01-01", "2026-01-01", "Choose 1100 days or less"],
])("%s for %s to %s: %s", (grain, from, to, why) => expect(refusal(grain, { from, to }, now)).toBe(why));

test("the last 90 days and the last two have their hours and minutes at any time of any zone's day", () => {
  for (const timezone of ["America/New_York", "Asia/Seoul", "UTC"])
    for (const instant of ["2026-11-28T05:00:00Z", "2026-11-29T04:59:59Z"].map(Date.parse)) {
      const today = new Intl.DateTimeFormat("en-CA", { timeZone: timezone }).format(instant);
      const day = (n: number) => new Date(Date.parse(today) + n * 86_400_000).toISOString().slice(0, 10);
      expect(refusal("hour", { from: day(-89), to: day(1) }, { instant, timezone })).toBeNull();
      expect(refusal("minute", { from: day(-1), to: day(1) }, { instant, timezone })).toBeNull();
    }
});

test("a grain that a span can't be shown at gives way", () => {
  const week = { from: "2026-11-22", to: "2026-11-29" };
  expect(grainOf("hour", week, now)).toBe("hour");
  expect(grainOf("minute", week, now)).toBe("day");
  expect(grainOf(null, week, now)).toBe("day");
  expect([isGrain("hour"), isGrain("total"), isGrain(null)]).toEqual([true, false, false]);
});
