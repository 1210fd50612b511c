import { expect, test } from "vitest";
import { type Range } from "./range";
import { shifted } from "./shift";

const now = { instant: Date.parse("2026-11-28T08:00:00Z"), timezone: "UTC" };
const span = (from: string, to: string): Range => ({ from, to });

test.each<[Range, Range]>([
  [{ preset: "today" }, span("2026-11-27", "2026-11-28")],
  [{ preset: "7d" }, span("2026-11-15", "2026-11-22")],
  [{ preset: "week" }, span("2026-11-16", "2026-11-23")],
  [{ preset: "month" }, span("2026-10-01", "2026-11-01")],
  [{ preset: "last_month" }, span("2026-09-01", "2026-10-01")],
  [span("2026-03-01", "2026-04-01"), span("2026-02-01", "2026-03-01")],
  [span("2024-03-01", "2024-04-01"), span("2024-02-01", "2024-03-01")],
  [span("2026-01-01", "2026-04-01"), span("2025-10-01", "2026-01-01")],
  [span("2026-03-01", "2026-03-08"), span("2026-02-22", "2026-03-01")],
  [span("2026-11-28T06:00:00Z", "2026-11-28T07:30:00Z"), span("2026-11-28T04:30:00Z", "2026-11-28T06:00:00Z")],
])("before %j", (range, before) => expect(shifted(range, -1, now)).toEqual(before));

test.each<[Range, Range | null]>([
  [{ preset: "today" }, null],
  [{ preset: "30d" }, null],
  [{ preset: "month" }, null],
  [{ preset: "yesterday" }, { preset: "today" }],
  [{ preset: "last_month" }, { preset: "month" }],
  [span("2026-11-16", "2026-11-23"), { preset: "week" }],
  [span("2026-10-01", "2026-10-21"), span("2026-10-21", "2026-11-10")],
  [span("2026-11-09", "2026-11-20"), span("2026-11-20", "2026-11-29")],
  [span("2026-11-28T06:00:00Z", "2026-11-28T07:30:00Z"), span("2026-11-28T07:30:00Z", "2026-11-28T09:00:00Z")],
  [span("2026-11-28T07:00:00Z", "2026-11-28T08:30:00Z"), null],
])("after %j", (range, after) => expect(shifted(range, 1, now)).toEqual(after));

test("today is that of the report time zone", () =>
  expect(shifted({ preset: "today" }, -1, { instant: Date.parse("2026-11-28T16:00:00Z"), timezone: "Asia/Seoul" })).toEqual(span("2026-11-28", "2026-11-29")));
