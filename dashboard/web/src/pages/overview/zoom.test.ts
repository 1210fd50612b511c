import { expect, test } from "vitest";
import { grainAfter, zoomed } from "./zoom";

const now = { instant: Date.parse("2026-11-28T08:40:00Z"), timezone: "UTC" };
const days = ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"];
const span = { from: "2026-11-01", to: "2026-11-05" };

test("days stay days, and the end is half-open", () => {
  expect(zoomed(days, 1, 2, span, "UTC")).toEqual({ from: "2026-11-02", to: "2026-11-04" });
  expect(zoomed(days, 2, 3, span, "UTC")).toEqual({ from: "2026-11-03", to: "2026-11-05" });
});

test("a week that the span cuts stays cut", () => {
  const weeks = ["2026-10-26", "2026-11-02", "2026-11-09"];
  expect(zoomed(weeks, 0, 1, { from: "2026-10-30", to: "2026-11-12" }, "UTC")).toEqual({ from: "2026-10-30", to: "2026-11-09" });
});

test("hours are instants, midnights are days, in the report time zone", () => {
  const hours = ["2026-11-01T00:00:00+01:00", "2026-11-01T01:00:00+01:00", "2026-11-01T02:00:00+01:00"];
  const day = { from: "2026-11-01", to: "2026-11-02" };
  expect(zoomed(hours, 1, 1, day, "Europe/Berlin")).toEqual({ from: "2026-11-01T01:00:00+01:00", to: "2026-11-01T02:00:00+01:00" });
  expect(zoomed(hours, 0, 0, day, "Europe/Berlin")).toEqual({ from: "2026-11-01T00:00:00+01:00", to: "2026-11-01T01:00:00+01:00" });
  expect(zoomed(hours, 1, 2, day, "Europe/Berlin")).toEqual({ from: "2026-11-01T01:00:00+01:00", to: "2026-11-02T00:00:00+01:00" });
  expect(zoomed(hours, 0, 2, day, "Europe/Berlin")).toEqual(day);
});

test("a handful of buckets is shown finer, where that can be had", () => {
  expect(grainAfter("day", 4, span, now)).toBe("hour");
  expect(grainAfter("day", 12, { from: "2026-11-01", to: "2026-11-13" }, now)).toBe("day");
  expect(grainAfter("hour", 3, { from: "2026-10-01T01:00:00Z", to: "2026-10-01T04:00:00Z" }, now)).toBe("hour");
  expect(grainAfter("minute", 3, { from: "2026-11-28T01:00:00Z", to: "2026-11-28T01:03:00Z" }, now)).toBe("minute");
});
