import { describe, expect, test } from "vitest";
import { addDays, addMonths, daysBetween, firstOfMonth, instantOf, instantText, isDay, mondayOf, wallClock, weekday } from "./day";

test.each(["2026-11-28", "2024-02-29", "2000-02-29", "1970-01-01"])("%s is a day", (day) => expect(isDay(day)).toBe(true));

test.each(["", "2026-02-29", "1900-02-29", "2026-02-30", "2026-13-01", "2026-00-10", "2026-1-1", "2026-11-28T00:00Z", " 2026-11-28", "x"])("%j is no day", (text) =>
  expect(isDay(text)).toBe(false),
);

test.each([
  ["2024-02-28", 1, "2024-02-29"],
  ["2023-02-28", 1, "2023-03-01"],
  ["2026-01-01", -1, "2025-12-31"],
  ["2026-03-07", 2, "2026-03-09"],
  ["2026-11-28", 0, "2026-11-28"],
])("%s and %i days is %s", (day, days, then) => {
  expect(addDays(day, days)).toBe(then);
  expect(daysBetween(day, then)).toBe(days);
});

test.each([
  ["2026-01-31", 1, "2026-02-28"],
  ["2024-01-31", 1, "2024-02-29"],
  ["2024-02-29", -12, "2023-02-28"],
  ["2026-03-31", -1, "2026-02-28"],
  ["2026-12-15", 1, "2027-01-15"],
  ["2026-01-15", -1, "2025-12-15"],
  ["2026-05-31", -11, "2025-06-30"],
])("%s and %i months is %s", (day, months, then) => expect(addMonths(day, months)).toBe(then));

test("weeks and months", () => {
  expect(weekday("2026-11-23")).toBe(0);
  expect(weekday("2026-11-29")).toBe(6);
  expect(mondayOf("2026-11-29")).toBe("2026-11-23");
  expect(mondayOf("2026-03-01")).toBe("2026-02-23");
  expect(firstOfMonth("2024-02-29")).toBe("2024-02-01");
});

// The day on which the clocks of New York go forward at 2, and that on which they go back at 2.
const forward = "2026-03-08";
const back = "2026-11-01";
const at = Date.parse;

describe("wall clocks", () => {
  test.each([
    ["2026-11-28T23:30:00Z", "Asia/Seoul", "2026-11-29", 8, 30],
    ["2026-11-28T04:59:00Z", "America/New_York", "2026-11-27", 23, 59],
    ["2026-11-28T05:00:59.999Z", "America/New_York", "2026-11-28", 0, 0],
    ["2026-03-08T07:00:00Z", "America/New_York", forward, 3, 0],
    ["2026-11-28T18:30:00Z", "Asia/Kolkata", "2026-11-29", 0, 0],
    ["2026-11-28T00:00:00Z", "UTC", "2026-11-28", 0, 0],
  ])("%s in %s", (instant, timezone, day, hour, minute) => expect(wallClock(at(instant), timezone)).toEqual({ day, hour, minute }));

  test.each([
    ["2026-11-28", 0, "Asia/Seoul", "2026-11-27T15:00:00Z"],
    ["2026-11-28", 24, "Asia/Seoul", "2026-11-28T15:00:00Z"],
    ["2026-11-28", 9, "UTC", "2026-11-28T09:00:00Z"],
    ["2026-11-28", 0, "Asia/Kolkata", "2026-11-27T18:30:00Z"],
    [forward, 0, "America/New_York", "2026-03-08T05:00:00Z"],
    [forward, 1, "America/New_York", "2026-03-08T06:00:00Z"],
    [forward, 2, "America/New_York", "2026-03-08T07:00:00Z"],
    [forward, 3, "America/New_York", "2026-03-08T07:00:00Z"],
    [forward, 24, "America/New_York", "2026-03-09T04:00:00Z"],
    [back, 0, "America/New_York", "2026-11-01T04:00:00Z"],
    [back, 1, "America/New_York", "2026-11-01T05:00:00Z"],
    [back, 2, "America/New_York", "2026-11-01T07:00:00Z"],
    [back, 24, "America/New_York", "2026-11-02T05:00:00Z"],
    ["2026-09-06", 0, "America/Santiago", "2026-09-06T04:00:00Z"], // its clocks go forward at midnight
  ])("%s at %i in %s", (day, hour, timezone, instant) => expect(new Date(instantOf(day, hour, timezone)).toISOString()).toBe(new Date(instant).toISOString()));

  test.each(["UTC", "Asia/Seoul", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"])("every hour of two years is found again in %s", (timezone) => {
    for (let t = at("2025-11-01T00:00:00Z"); t < at("2027-11-01T00:00:00Z"); t += 11 * 3_600_000) {
      const { day, hour, minute } = wallClock(t, timezone);
      const found = instantOf(day, hour, timezone) + minute * 60_000;
      expect(wallClock(found, timezone)).toEqual({ day, hour, minute });
      expect(at(instantText(t, timezone))).toBe(t);
    }
  });

  test("instants are written with the offset of the zone", () => {
    expect(instantText(at("2026-11-28T15:00:00Z"), "Asia/Seoul")).toBe("2026-11-29T00:00:00+09:00");
    expect(instantText(at("2026-07-01T04:30:00Z"), "America/New_York")).toBe("2026-07-01T00:30:00-04:00");
    expect(instantText(at("2026-11-28T15:00:30Z"), "UTC")).toBe("2026-11-28T15:00:30Z");
    expect(instantText(at("2026-11-28T15:00:00Z"), "America/St_Johns")).toBe("2026-11-28T11:30:00-03:30");
  });
});
