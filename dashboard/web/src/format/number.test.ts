import { describe, expect, test } from "vitest";
import { metricNames, metrics } from "./metric";
import { figure, formatsOf, NONE } from "./number";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe.each([
  ["en-US", "1,234,567,890", "1.2B", "12.3%", "+12.3%", "1.5s", "1,000h 00m", "1.5 KiB"],
  ["de-DE", "1.234.567.890", "1,2 Mrd.", "12,3 %", "+12,3 %", "1,5s", "1.000h 00m", "1,5 KiB"],
  ["ko-KR", "1,234,567,890", "12.3억", "12.3%", "+12.3%", "1.5s", "1,000h 00m", "1.5 KiB"],
])("in %s", (locale, count, compact, percent, change, short, long, bytes) => {
  const formats = formatsOf(locale);
  test("figures", () => {
    expect(formats.count(1_234_567_890)).toBe(count);
    expect(plain(formats.compact(1_234_567_890))).toBe(compact);
    expect(plain(formats.percent(0.1234))).toBe(percent);
    expect(plain(formats.change(0.1234))).toBe(change);
    expect(formats.duration(1.5)).toBe(short);
    expect(formats.duration(3_600_000)).toBe(long);
    expect(formats.bytes(1536)).toBe(bytes);
  });
});

const us = formatsOf("en-US");

test.each([[0, "0s"], [0.04, "0s"], [9.94, "9.9s"], [10, "10s"], [59.4, "59s"], [59.6, "1m 00s"], [125, "2m 05s"], [3599.6, "1h 00m"], [3725, "1h 02m"]])("%d seconds", (s, text) => expect(us.duration(s)).toBe(text));

test.each([[0, "0 B"], [1023, "1,023 B"], [1024, "1 KiB"], [5 * 1024 ** 3, "5 GiB"], [1024 ** 5, "1,024 TiB"]])("%d bytes", (n, text) => expect(us.bytes(n)).toBe(text));

test("large counts keep all their digits", () => expect(us.count(Number.MAX_SAFE_INTEGER)).toBe("9,007,199,254,740,991"));

test("changes have a sign, nothing has none", () => {
  expect([us.change(0.5), us.change(-0.255), us.change(0), us.change(12)]).toEqual(["+50%", "-25.5%", "0%", "+1,200%"]);
});

test("a figure that is not known is a dash", () => {
  for (const name of metricNames) {
    expect(figure(us, metrics[name].kind, null)).toBe(NONE);
    expect(figure(us, metrics[name].kind, undefined)).toBe(NONE);
    expect(figure(us, metrics[name].kind, 0)).not.toBe(NONE);
  }
  expect([figure(us, "count", 12345), figure(us, "count", 12345, true), figure(us, "rate", 0.5), figure(us, "duration", 90)]).toEqual(["12,345", "12.3K", "50.0%", "1m 30s"]);
});
