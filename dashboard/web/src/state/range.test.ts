import { describe, expect, test } from "vitest";
import { type Compare, isOpen, isPreset, lengthOf, type Now, parseSpan, type Preset, presets, previousSpan, spanOf } from "./range";

const now = (instant: string, timezone = "UTC"): Now => ({ instant: Date.parse(instant), timezone });

describe("presets", () => {
  test.each<[Preset, string, string, string]>([
    ["today", "2024-02-29", "2024-02-29", "2024-03-01"],
    ["yesterday", "2024-03-01", "2024-02-29", "2024-03-01"],
    ["yesterday", "2026-01-01", "2025-12-31", "2026-01-01"],
    ["7d", "2026-03-03", "2026-02-25", "2026-03-04"],
    ["30d", "2026-11-28", "2026-10-30", "2026-11-29"],
    ["90d", "2024-03-31", "2024-01-02", "2024-04-01"],
    ["week", "2026-11-29", "2026-11-23", "2026-11-30"],
    ["week", "2026-11-23", "2026-11-23", "2026-11-24"],
    ["month", "2026-11-01", "2026-11-01", "2026-11-02"],
    ["month", "2026-12-31", "2026-12-01", "2027-01-01"],
    ["last_month", "2024-03-31", "2024-02-01", "2024-03-01"],
    ["last_month", "2026-01-31", "2025-12-01", "2026-01-01"],
    ["12m", "2024-02-29", "2023-03-01", "2024-03-01"],
    ["12m", "2026-12-31", "2026-01-01", "2027-01-01"],
  ])("%s on %s", (preset, today, from, to) => expect(spanOf({ preset }, today)).toEqual({ from, to }));

  test("only own names are presets", () => {
    expect(Object.keys(presets).every(isPreset)).toBe(true);
    for (const name of ["toString", "__proto__", "", null]) expect(isPreset(name)).toBe(false);
  });
});

describe("spans of a URL", () => {
  test.each([
    ["2026-11-01", "2026-11-02"],
    ["2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z"],
    ["2026-11-01T23:00:00+09:00", "2026-11-01T15:00:00Z"],
  ])("%s to %s", (from, to) => expect(parseSpan(from, to)).toEqual({ from, to }));

  test.each([
    [null, "2026-11-02"],
    ["2026-11-02", null],
    ["2026-11-02", "2026-11-02"],
    ["2026-11-03", "2026-11-02"],
    ["2026-02-30", "2026-03-02"],
    ["2026-11-01", "2026-11-02T00:00:00Z"],
    ["2026-11-01T00:00Z", "2026-11-02T00:00Z"],
    ["2026-02-30T00:00:00Z", "2026-03-03T00:00:00Z"],
    ["2026-11-01T25:00:00Z", "2026-11-02T00:00:00Z"],
    ["<script>", "2026-11-02"],
  ])("none: %s to %s", (from, to) => expect(parseSpan(from, to)).toBeNull());
});

test("whether a span is open is decided by the report time zone", () => {
  const span = { from: "2026-11-27", to: "2026-11-28" };
  expect(isOpen(span, now("2026-11-27T14:59:59Z", "Asia/Seoul"))).toBe(true);
  expect(isOpen(span, now("2026-11-27T15:00:00Z", "Asia/Seoul"))).toBe(false);
  expect(isOpen(span, now("2026-11-28T04:59:59Z", "America/New_York"))).toBe(true);
  expect(lengthOf(span)).toBe(1);
});

const previous = (span: [string, string], compare: Compare, instant: string, timezone?: string) =>
  previousSpan({ from: span[0], to: span[1] }, compare, now(instant, timezone));

describe("the span that is compared with", () => {
  test("none", () => expect(previous(["2026-11-01", "2026-11-02"], "none", "2026-11-28T08:00:00Z")).toBeNull());

  test("of a closed span it is whole", () => {
    expect(previous(["2026-10-01", "2026-11-01"], "previous_period", "2026-11-28T08:00:00Z")).toEqual({ from: "2026-08-31", to: "2026-10-01" });
    expect(previous(["2024-02-29", "2024-03-01"], "previous_year", "2026-11-28T08:00:00Z")).toEqual({ from: "2023-02-28", to: "2023-03-01" });
  });

  test("of an open span it ends at the same hour", () => {
    const open: [string, string] = ["2026-11-22", "2026-11-29"];
    expect(previous(open, "previous_period", "2026-11-28T08:29:00Z")).toEqual({ from: "2026-11-15T00:00:00Z", to: "2026-11-21T08:00:00Z" });
    expect(previous(open, "previous_period", "2026-11-28T08:30:00Z")?.to).toBe("2026-11-21T09:00:00Z");
    expect(previous(open, "previous_period", "2026-11-28T23:45:00Z")?.to).toBe("2026-11-22T00:00:00Z");
  });

  test("just after midnight there is an hour to compare with", () =>
    expect(previous(["2026-11-28", "2026-11-29"], "previous_period", "2026-11-28T00:05:00Z")).toEqual({ from: "2026-11-27T00:00:00Z", to: "2026-11-27T01:00:00Z" }));

  test("in Seoul", () =>
    expect(previous(["2026-11-28", "2026-11-29"], "previous_period", "2026-11-28T00:10:00Z", "Asia/Seoul")).toEqual({
      from: "2026-11-27T00:00:00+09:00",
      to: "2026-11-27T09:00:00+09:00",
    }));

  test("in New York, where the clocks go forward", () => {
    expect(previous(["2026-03-08", "2026-03-09"], "previous_period", "2026-03-08T16:00:00Z", "America/New_York")).toEqual({
      from: "2026-03-07T00:00:00-05:00",
      to: "2026-03-07T12:00:00-05:00",
    });
    expect(previous(["2026-03-09", "2026-03-10"], "previous_period", "2026-03-09T16:00:00Z", "America/New_York")).toEqual({
      from: "2026-03-08T00:00:00-05:00",
      to: "2026-03-08T12:00:00-04:00",
    });
  });

  test("in New York, where they go back", () =>
    expect(previous(["2026-11-02", "2026-11-03"], "previous_period", "2026-11-02T17:00:00Z", "America/New_York")).toEqual({
      from: "2026-11-01T00:00:00-04:00",
      to: "2026-11-01T12:00:00-05:00",
    }));

  test("what begins before the hours that are kept is whole", () => {
    expect(previous(["2026-10-15", "2026-11-29"], "previous_period", "2026-11-28T08:00:00Z")).toEqual({ from: "2026-08-31T00:00:00Z", to: "2026-10-14T08:00:00Z" });
    expect(previous(["2026-10-10", "2026-11-29"], "previous_period", "2026-11-28T08:00:00Z")).toEqual({ from: "2026-08-21", to: "2026-10-10" });
    expect(previous(["2026-11-01", "2026-11-29"], "previous_year", "2026-11-28T08:00:00Z")).toEqual({ from: "2025-11-01", to: "2025-11-29" });
  });

  test("of instants", () => {
    const hours: [string, string] = ["2026-11-27T10:00:00+09:00", "2026-11-27T16:00:00+09:00"];
    expect(previous(hours, "previous_period", "2026-11-28T08:00:00Z", "Asia/Seoul")).toEqual({ from: "2026-11-27T04:00:00+09:00", to: "2026-11-27T10:00:00+09:00" });
    expect(previous(hours, "previous_year", "2026-11-28T08:00:00Z", "Asia/Seoul")).toBeNull();
  });

  test("of open instants it ends as far on", () =>
    expect(previous(["2026-11-28T00:00:00Z", "2026-11-28T12:00:00Z"], "previous_period", "2026-11-28T08:10:00Z")).toEqual({
      from: "2026-11-27T12:00:00Z",
      to: "2026-11-27T20:00:00Z",
    }));
});
