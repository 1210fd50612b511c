import { expect, test } from "vitest";
import { chartQuestion, isComparable, lastDay, presentQuestion, previousWindow, seriesOf, sparkQuestion, type Wish } from "./plan";

const now = { instant: Date.parse("2026-11-28T08:40:00Z"), timezone: "UTC" };
const month = { from: "2026-10-30", to: "2026-11-29" };
const wish: Wish = { span: month, grain: "day", metric: "active_users", compare: "previous_period", filters: [], now };

test("the last day is that of the range, but never one ahead", () => {
  expect(lastDay({ from: "2026-11-01", to: "2026-11-10" }, now)).toBe("2026-11-09");
  expect(lastDay({ from: "2026-11-01", to: "2026-12-01" }, now)).toBe("2026-11-28");
  expect(lastDay({ from: "2026-11-27T22:00:00Z", to: "2026-11-28T00:00:00Z" }, now)).toBe("2026-11-27");
  expect(lastDay({ from: "2026-11-26T22:00:00Z", to: "2026-11-27T00:00:00Z" }, { ...now, timezone: "Asia/Tokyo" })).toBe("2026-11-27");
  expect(presentQuestion(wish).span).toEqual({ from: "2026-11-28", to: "2026-11-29" });
});

test("an open window ends at the same hour of the corresponding day", () => {
  expect(previousWindow("active_users", wish)).toEqual({ from: "2026-10-29T00:00:00Z", to: "2026-10-29T09:00:00Z" });
  expect(previousWindow("wau", wish)).toEqual({ from: "2026-10-23T00:00:00Z", to: "2026-10-29T09:00:00Z" });
  const midnight = { ...wish, now: { ...now, instant: Date.parse("2026-11-28T00:10:00Z") } };
  expect(previousWindow("active_users", midnight)?.to).toBe("2026-10-29T01:00:00Z");
  const zoomed = { ...wish, span: { from: "2026-11-28T03:00:00Z", to: "2026-11-28T06:00:00Z" } };
  expect(previousWindow("active_users", zoomed)).toEqual({ from: "2026-11-27T00:00:00Z", to: "2026-11-27T09:00:00Z" });
});

test("a closed window is compared with a whole one", () => {
  const closed = { ...wish, span: { from: "2026-11-01", to: "2026-11-11" } };
  expect(previousWindow("active_users", closed)).toEqual({ from: "2026-10-31", to: "2026-11-01" });
  expect(previousWindow("mau", closed)).toEqual({ from: "2026-10-02", to: "2026-11-01" });
  expect(previousWindow("mau", { ...closed, compare: "none" })).toBeNull();
});

test("where the hour is not known any more, a part of a day is compared with nothing", () => {
  const year = { ...wish, compare: "previous_year" as const };
  expect(previousWindow("active_users", year)).toBeNull();
  expect(previousWindow("wau", year)).toBeNull();
  expect(previousWindow("mau", year)).toEqual({ from: "2025-10-30", to: "2025-11-29" });
});

test("trailing windows are shown by day, over a month at least", () => {
  const day = { from: "2026-11-28", to: "2026-11-29" };
  expect(seriesOf({ ...wish, metric: "wau", span: day, grain: "hour" })).toEqual({ span: month, grain: "day" });
  expect(seriesOf({ ...wish, metric: "wau", grain: "week" })).toEqual({ span: month, grain: "day" });
  expect(seriesOf({ ...wish, metric: "sessions", span: day, grain: "hour" })).toEqual({ span: day, grain: "hour" });
});

test("a series is compared where the server has what came before", () => {
  expect(isComparable(month, "hour", "previous_period", now)).toBe(true);
  expect(isComparable({ from: "2026-09-01", to: "2026-11-29" }, "hour", "previous_period", now)).toBe(false);
  expect(isComparable(month, "hour", "previous_year", now)).toBe(false);
  expect(isComparable(month, "day", "previous_year", now)).toBe(true);
  expect(isComparable({ from: "2026-11-28", to: "2026-11-29" }, "minute", "previous_period", now)).toBe(true);
  expect(isComparable({ from: "2026-11-27", to: "2026-11-29" }, "minute", "previous_period", now)).toBe(false);
  expect(chartQuestion({ ...wish, grain: "hour", compare: "previous_year" }).compare).toBe("none");
});

test("sparklines of a short range have hours", () => {
  expect(sparkQuestion({ ...wish, span: { from: "2026-11-28", to: "2026-11-29" } }).grain).toBe("hour");
  expect(sparkQuestion(wish).grain).toBe("day");
});
