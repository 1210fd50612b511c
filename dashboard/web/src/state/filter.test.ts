import { expect, test } from "vitest";
import { type Filter, joinValues, placed, putFilters, splitValues, takeFilters, turned, withFilter, withoutValue, withValue } from "./filter";

const nasty = [["a"], ["a,b", "c"], ["\\", ",", ""], ["ends\\"], ["=&?#+ %", "日本"], ["a\\,b"]];

test.each(nasty)("values come back as they were: %j", (...values) => {
  expect(splitValues(joinValues(values))).toEqual(values);
});

test.each(nasty)("filters survive a URL: %j", (...values) => {
  const filters = [{ dimension: "campaign_id", not: false, values }, { dimension: "age", not: true, values }];
  const params = new URLSearchParams();
  putFilters(params, filters);
  expect(takeFilters(new URLSearchParams(params.toString()))).toEqual(filters.map((f) => ({ ...f, values: [...new Set(values)] })));
});

test("a value is either asked for or left out", () => {
  const asked = withValue([], "c", false, "x");
  expect(withValue(asked, "c", true, "x")).toEqual([{ dimension: "c", not: true, values: ["x"] }]);
  expect(withValue(asked, "c", false, "x")).toEqual(asked);
  expect(withoutValue(asked, "c", false, "x")).toEqual([]);
  expect(withFilter(asked, { dimension: "c", not: false, values: [] })).toEqual([]);
});

test("a filter can be turned around, into one that is there already", () => {
  const filters = [{ dimension: "c", not: false, values: ["a", "b"] }, { dimension: "d", not: false, values: ["x"] }, { dimension: "c", not: true, values: ["z"] }];
  expect(turned(filters, "c", true)).toEqual([{ dimension: "d", not: false, values: ["x"] }, { dimension: "c", not: true, values: ["z", "a", "b"] }]);
  expect(turned(filters, "d", false)).toEqual(filters);
});

test("a filter can be put in its place", () => {
  const [c, d, e] = ["c", "d", "e"].map((dimension) => ({ dimension, not: false, values: ["x"] })) as [Filter, Filter, Filter];
  expect(placed([c, d, e], e, 0)).toEqual([e, c, d]);
  expect(placed([c, d, e], c, 9)).toEqual([d, e, c]);
  expect(placed([c, d], e, 0)).toEqual([c, d]);
});
