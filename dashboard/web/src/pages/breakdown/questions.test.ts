import { expect, test } from "vitest";
import { pathOf } from "../../api/query";
import { beforeQuestion, groupsOf, only, topQuestion, totalQuestion, valuesQuestion, without } from "./questions";

const subject = { by: "c", span: { from: "2026-11-01", to: "2026-11-08" }, filters: [{ dimension: "c", not: true, values: ["x"] }, { dimension: "d", not: false, values: ["m"] }] };
const order = { column: "events", falling: true };
const asked = (q: Parameters<typeof pathOf>[0]) => Object.fromEntries(new URLSearchParams(pathOf(q).split("?")[1]));

test("the first rows are chosen by the server, the rest is united", () => {
  expect(asked(topQuestion(subject, order, 10))).toMatchObject({ grain: "total", group_by: "c", order: "-events", limit: "10", everything_else: "true", "filter.c!": "x", "filter.d": "m" });
});

test("the total is a question of its own, without groups", () => {
  expect(asked(totalQuestion(subject))).not.toHaveProperty("group_by");
});

test("values are asked for within the filters of the page", () => {
  expect(asked(valuesQuestion(subject, order, ["b", "a,1"]))).toMatchObject({ "filter.c": "b,a\\,1", "filter.c!": "x", "filter.d": "m", order: "-events" });
});

test("what was before is one question, however the rows stand now", () => {
  const span = { from: "2026-10-25", to: "2026-11-01" };
  expect(beforeQuestion(subject, span, ["b", "a"])).toEqual(beforeQuestion(subject, span, ["a", "b"]));
  const values = Array.from({ length: 500 }, (_, i) => `${i}`.padEnd(256, "ü"));
  expect(JSON.stringify(asked(beforeQuestion(subject, span, values))).length).toBeLessThan(64 * 1024);
});

test("filters are narrowed without losing what they kept out", () => {
  expect(only([], "c", ["a"])).toEqual([{ dimension: "c", not: false, values: ["a"] }]);
  expect(without(subject.filters, "c", ["x", "y"])).toEqual([{ dimension: "c", not: true, values: ["x", "y"] }, subject.filters[1]]);
  expect(without([{ dimension: "c", not: false, values: ["a", "b"] }], "c", ["a"])).toEqual([
    { dimension: "c", not: false, values: ["a", "b"] },
    { dimension: "c", not: true, values: ["a"] },
  ]);
});

test("a value that is called like the rest is not the rest", () => {
  const rows = ["(everything else)", "a", "(everything else)"].map((c) => ({ bucket: "total", c }));
  const groups = groupsOf(rows, "c", 2);
  expect(groups.map((g) => g.rest)).toEqual([false, false, true]);
  expect(new Set(groups.map((g) => g.key)).size).toBe(3);
});
