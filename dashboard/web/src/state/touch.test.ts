import { expect, test } from "vitest";
import { touches } from "./touch";

const change = (...days: string[]) => ({ version: 1, build: 1, at: "", complete_through: null, days, hours: [] });
const week = { from: "2026-11-22", to: "2026-11-29" };

test.each([
  ["2026-11-22", true],
  ["2026-11-28", true],
  ["2026-11-21", false],
  ["2026-11-29", false],
])("a change of %s", (day, concerns) => expect(touches(change(day), week)).toBe(concerns));

test("one day of several is enough, none is not", () => {
  expect(touches(change("2026-01-01", "2026-11-25"), week)).toBe(true);
  expect(touches(change(), week)).toBe(false);
});

test("a reset concerns everything", () => expect(touches({ ...change(), reset: true }, week)).toBe(true));

test("trailing windows read the days before", () => {
  expect(touches(change("2026-11-16"), week, 6)).toBe(true);
  expect(touches(change("2026-11-15"), week, 6)).toBe(false);
});

test("the day of an instant depends on its zone, so its neighbours count", () => {
  const hours = { from: "2026-11-27T20:00:00Z", to: "2026-11-27T22:00:00Z" };
  expect(["2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"].filter((d) => touches(change(d), hours))).toEqual(["2026-11-26", "2026-11-27", "2026-11-28"]);
});
