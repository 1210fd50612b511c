import { expect, test } from "vitest";
import { type Row } from "../../api/query";
import { begun, partOf, pointsOf } from "./points";

const now = { instant: Date.parse("2026-11-28T23:30:00Z"), timezone: "Europe/Berlin" }; // the 29th, 00:30, there
const rows = (...buckets: string[]): Row[] => buckets.map((bucket) => ({ bucket, events: 3, events_previous: 2 }));
const states = (...args: Parameters<typeof pointsOf>) => pointsOf(...args).map((p) => (p.value === null ? "ahead" : p.state));

test("days are those of the report time zone", () => {
  const span = { from: "2026-11-28", to: "2026-12-01" };
  expect(states(rows("2026-11-28", "2026-11-29", "2026-11-30"), "events", "day", span, now)).toEqual(["whole", "open", "ahead"]);
});

test("hours are instants, and the past goes on where the present has not come", () => {
  const span = { from: "2026-11-29", to: "2026-11-30" };
  const points = pointsOf(rows("2026-11-28T23:00:00+01:00", "2026-11-29T00:00:00+01:00", "2026-11-29T01:00:00+01:00"), "events", "hour", span, now);
  expect(points.map((p) => [p.value, p.previous, p.state])).toEqual([[3, 2, "whole"], [3, 2, "open"], [null, 2, "whole"]]);
});

test("weeks and months of which the span has a part are cut", () => {
  const span = { from: "2026-10-08", to: "2026-11-20" };
  expect(states(rows("2026-10-05", "2026-10-12", "2026-11-16"), "events", "week", span, now)).toEqual(["cut", "whole", "cut"]);
  expect(states(rows("2026-10-01", "2026-11-01"), "events", "month", span, now)).toEqual(["cut", "open"]);
  expect(partOf("2026-10-05", "week", span)).toEqual({ from: "2026-10-08", to: "2026-10-12" });
  expect(partOf("2026-11-16", "week", span)).toEqual({ from: "2026-11-16", to: "2026-11-20" });
});

test("what has not begun is left out", () => {
  expect(begun(rows("2026-11-28", "2026-11-29", "2026-11-30"), "day", now).map((r) => r.bucket)).toEqual(["2026-11-28", "2026-11-29"]);
});
