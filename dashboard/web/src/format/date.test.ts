import { describe, expect, test } from "vitest";
import { datesOf } from "./date";

const plain = (text: string) => text.replace(/[\u00a0\u2009\u202f]/g, " ");

describe.each([
  ["en-US", "Sat, Nov 28, 2026", "November 2026", "Nov 23 – 29, 2026", "Oct 30 – Nov 28, 2026", "Nov 28, 2026"],
  ["de-DE", "Sa., 28. Nov. 2026", "November 2026", "23.–29. Nov. 2026", "30. Okt. – 28. Nov. 2026", "28. Nov. 2026"],
  ["ko-KR", "2026년 11월 28일 (토)", "2026년 11월", "2026년 11월 23일~29일", "2026년 10월 30일~11월 28일", "2026년 11월 28일"],
])("in %s", (locale, day, month, week, span, plainDay) => {
  const dates = datesOf(locale);
  test("days, weeks, months and spans", () => {
    expect(plain(dates.bucket("2026-11-28", "day"))).toBe(day);
    expect(plain(dates.bucket("2026-11-01", "month"))).toBe(month);
    expect(plain(dates.bucket("2026-11-23", "week"))).toBe(week);
    expect(plain(dates.span({ from: "2026-10-30", to: "2026-11-29" }))).toBe(span);
    expect(plain(dates.day("2026-11-28"))).toBe(plainDay);
  });
});

const us = datesOf("en-US");

test("a bucket is shown as the clock of the report time zone shows it, not the browser's", () => {
  for (const bucket of ["2026-11-28T09:00:00+09:00", "2026-11-28T09:00:00-05:00", "2026-11-28T09:00:00Z"]) {
    expect(plain(us.bucket(bucket, "hour"))).toBe("Sat, Nov 28, 9:00 AM");
    expect(plain(us.tick(bucket, "hour"))).toBe("9:00 AM");
  }
});

test("ticks", () => {
  expect(us.tick("2026-11-28T00:00:00+09:00", "hour")).toBe("Nov 28");
  expect(us.tick("2026-11-28", "day")).toBe("Nov 28");
  expect(us.tick("2026-11-01", "month")).toBe("Nov 26");
});

test("a span of one day names it once, and one of instants its hours", () => {
  expect(us.span({ from: "2024-02-29", to: "2024-03-01" })).toBe("Feb 29, 2024");
  expect(plain(us.span({ from: "2026-11-28T09:00:00+09:00", to: "2026-11-28T12:30:00+09:00" }))).toBe("Sat, Nov 28, 9:00 AM – 12:30 PM");
});

test("a moment is shown as it stands, to the second", () => expect(plain(us.moment("2026-11-28T15:00:05.250+09:00"))).toBe("Nov 28, 3:00:05 PM"));
