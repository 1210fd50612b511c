import { expect, test } from "vitest";
import { pathOf } from "../../api/query";
import { seriesAt } from "./series";

test("a path tells what was asked", () => {
  const series = { metric: "bounce_rate", grain: "hour", span: { from: "2026-11-01T00:00:00+01:00", to: "2026-11-02T00:00:00+01:00" } } as const;
  const question = { span: series.span, grain: series.grain, metrics: [series.metric], filters: [{ dimension: "c", not: true, values: ["a&b"] }] };
  expect(seriesAt(pathOf(question))).toEqual({ ...series, compared: false });
  expect(seriesAt(pathOf({ ...question, compare: "previous_year" }))?.compared).toBe(true);
});

test("without an answer there is nothing", () => {
  expect(seriesAt(null)).toBeNull();
});
