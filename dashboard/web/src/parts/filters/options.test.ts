import { expect, test } from "vitest";
import { LIMIT, optionsOf, pathOf, shortened } from "./options";

const found = [{ value: "a", weight: 9 }, { value: "b", weight: 5 }];
const named = (ticked: string[], search = "") => optionsOf(ticked, found, search).map((o) => o.value);

test("what is ticked stands first, with its weight where it is known", () => {
  expect(optionsOf(["z", "b"], found, "")).toEqual([{ value: "z", weight: null }, { value: "b", weight: 5 }, { value: "a", weight: 9 }]);
});

test("of what is ticked only that which matches is shown while searching", () => expect(named(["Zed", "q"], "ZE")).toEqual(["Zed", "a", "b", "ZE"]));

test("what was typed can be taken unless it is listed", () => {
  expect(named([], "a")).toEqual(["a", "b"]);
  expect(named(["x"], "x")).toEqual(["x", "a", "b"]);
  expect(named([], "A")).toEqual(["a", "b", "A"]);
});

test("(everything else) is no value", () => {
  expect(optionsOf([], [{ value: "(everything else)", weight: 3 }, { value: "(not set)", weight: 1 }], "(everything else)").map((o) => o.value)).toEqual(["(not set)"]);
});

test("thousands of ticked values are not all shown", () => {
  const many = Array.from({ length: 3000 }, (_, i) => `v${i}`);
  expect(optionsOf(many, found, "").length).toBe(LIMIT + 2);
});

test("names and searches are escaped", () => expect(pathOf("a/b?", "x&limit=1 ü")).toBe("api/v1/dimensions/a%2Fb%3F?search=x%26limit%3D1+%C3%BC&limit=50"));

test("long lists are shortened", () => {
  expect(shortened(["a", "b", "c"])).toEqual({ shown: ["a", "b", "c"], more: 0 });
  expect(shortened(["a", "b", "c", "d"])).toEqual({ shown: ["a", "b"], more: 2 });
});
