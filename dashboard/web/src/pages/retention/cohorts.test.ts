import { expect, test } from "vitest";
import { averageOf, begun, type Cohort, curveOf, isOpenAt, pathOf, periodsOf, questionOf, readSpan, shareOf } from "./cohorts";

const rows: Cohort[] = [
  { cohort: "2026-11-01", users: 100, active: [100, 50, 9], open: true },
  { cohort: "2026-11-02", users: 300, active: [300, 1], open: true },
  { cohort: "2026-11-03", users: 0, active: [0], open: true },
];

test("the average is weighted by users and made of whole periods only", () => {
  expect([0, 1, 2].map((k) => averageOf(rows, k))).toEqual([1, 0.5, null]);
  expect(averageOf([{ cohort: "2026-10-01", users: 100, active: [100, 30] }, { cohort: "2026-10-02", users: 300, active: [300, 30] }], 1)).toBe(0.15);
  expect(averageOf([], 0)).toBeNull();
});

test("the curve goes from the first period after the cohorts' own to the last that is known", () => {
  expect(curveOf(rows)).toEqual([0.5]);
  expect(curveOf([])).toEqual([]);
  expect(curveOf([{ cohort: "2026-10-01", users: 10, active: [10, 0, 5] }])).toEqual([0, 0.5]);
});

test("cohorts ahead of the first users are left out, later empty ones are not", () => {
  const empty = { cohort: "2026-10-31", users: 0, active: [0, 0] };
  expect(begun([empty, empty, ...rows])).toEqual(rows);
  expect(begun([empty])).toEqual([empty]);
  expect(begun([])).toEqual([]);
});

test("cells", () => {
  expect(periodsOf(rows)).toBe(3);
  expect([0, 1, 2].map((k) => isOpenAt(rows[0]!, k))).toEqual([false, false, true]);
  expect([shareOf(rows[0]!, 1), shareOf(rows[1]!, 2), shareOf(rows[2]!, 0)]).toEqual([0.5, null, null]);
});

test("a range with too many cohorts keeps its newest", () => {
  const year = { from: "2025-12-01", to: "2026-11-29" };
  expect(questionOf("day", year, [], "UTC")).toMatchObject({ cut: true, span: { from: "2026-10-29", to: "2026-11-29" } });
  expect(questionOf("week", year, [], "UTC")).toMatchObject({ cut: true, span: { from: "2026-06-01", to: "2026-11-29" } });
  expect(questionOf("day", { from: "2026-10-29", to: "2026-11-29" }, [], "UTC").cut).toBe(false);
});

test("instants are asked for by their days in the report time zone", () => {
  const instants = { from: "2026-11-27T20:00:00Z", to: "2026-11-28T15:00:00Z" };
  expect(questionOf("day", instants, [], "Asia/Seoul").span).toEqual({ from: "2026-11-28", to: "2026-11-29" });
});

test("the path has the filters; what is read begins with the week", () => {
  const q = questionOf("week", { from: "2026-11-04", to: "2026-11-11" }, [{ dimension: "c", not: true, values: ["a,b"] }], "UTC");
  const params = new URLSearchParams(pathOf(q, "csv").split("?")[1]);
  expect(Object.fromEntries(params)).toEqual({ cohort: "week", from: "2026-11-04", to: "2026-11-11", periods: "26", "filter.c!": "a\\,b", format: "csv" });
  expect(readSpan(q)).toEqual({ from: "2026-11-02", to: "2027-05-19" });
});
