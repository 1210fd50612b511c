import { expect, test } from "vitest";
import { addDays, addMonths } from "../../state/day";
import { ticksOf } from "./ticks";

const days = (from: string, n: number) => Array.from({ length: n }, (_, i) => addDays(from, i));
const hours = (from: string, n: number) => days(from, n).flatMap((d) => Array.from({ length: 24 }, (_, h) => `${d}T${String(h).padStart(2, "0")}:00:00+01:00`));
const minutes = (day: string, from: number, n: number) =>
  Array.from({ length: n }, (_, i) => from + i).map((m) => `${day}T${String(Math.floor(m / 60)).padStart(2, "0")}:${String(m % 60).padStart(2, "0")}:00Z`);
const months = (from: string, n: number) => Array.from({ length: n }, (_, i) => addMonths(from, i));

const at = (buckets: string[], ...args: ["minute" | "hour" | "day" | "week" | "month", number]) => ticksOf(buckets, ...args).map((i) => buckets[i]);

test("few days have a tick each", () => {
  expect(ticksOf(days("2026-11-03", 5), "day", 8)).toEqual([0, 1, 2, 3, 4]);
});

test("a month of days has its Mondays", () => {
  expect(at(days("2026-11-01", 30), "day", 8)).toEqual(["2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23", "2026-11-30"]);
});

test("a year of days has the firsts of months", () => {
  const ticks = at(days("2026-01-01", 365), "day", 12);
  expect(ticks).toHaveLength(12);
  expect(ticks.every((d) => d?.endsWith("-01"))).toBe(true);
});

test("a day of hours has full hours that divide the day", () => {
  expect(at(hours("2026-11-01", 1), "hour", 8).map((b) => b?.slice(11, 13))).toEqual(["00", "03", "06", "09", "12", "15", "18", "21"]);
});

test("weeks of hours have midnights, then Mondays, of the report time zone", () => {
  expect(at(hours("2026-11-01", 7), "hour", 8).every((b) => b?.slice(11, 16) === "00:00")).toBe(true);
  expect(at(hours("2026-11-01", 21), "hour", 8).map((b) => b?.slice(0, 10))).toEqual(["2026-11-02", "2026-11-09", "2026-11-16"]);
});

test("90 days of hours have at most so many ticks", () => {
  const ticks = at(hours("2026-09-01", 90), "hour", 6);
  expect(ticks).toEqual(["2026-09-01T00:00:00+01:00", "2026-10-01T00:00:00+01:00", "2026-11-01T00:00:00+01:00"]);
});

test("minutes have round ones", () => {
  expect(at(minutes("2026-11-01", 7, 60), "minute", 7).map((b) => b?.slice(11, 16))).toEqual(["00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]);
});

test("months and years", () => {
  expect(at(months("2025-02-01", 24), "month", 8).map((b) => b?.slice(5, 7))).toEqual(["04", "07", "10", "01", "04", "07", "10", "01"]);
  expect(ticksOf(months("1990-01-01", 400), "month", 5).length).toBeLessThanOrEqual(5);
});

test("where a coarser rule leaves nothing, the finer is thinned", () => {
  expect(ticksOf(days("2026-11-03", 6), "day", 3)).toEqual([0, 2, 4]);
});

test("nothing has no ticks", () => {
  expect(ticksOf([], "day", 5)).toEqual([]);
});
