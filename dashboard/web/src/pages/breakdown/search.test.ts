import { expect, test } from "vitest";
import { foundOf, searchPath } from "./search";

const filter = (not: boolean, ...values: string[]) => [{ dimension: "c", not, values }, { dimension: "other", not: false, values: ["a1"] }];
const reply = (...values: string[]) => ({ dimension: "c", values: values.map((value) => ({ value, weight: 1 })) });

test("the server is asked by the text as it is", () => {
  expect(searchPath([], "c/d", "a&b=ü")).toBe("api/v1/dimensions/c%2Fd?search=a%26b%3D%C3%BC&limit=101");
  expect(searchPath([], "c", "")).toBeNull();
  expect(foundOf([], "c", "", undefined)).toBeNull();
});

test("values that are kept out leave room for others", () => {
  expect(searchPath(filter(true, "a1", "a2"), "c", "a")).toBe("api/v1/dimensions/c?search=a&limit=103");
  expect(foundOf(filter(true, "a1"), "c", "a", reply("a1", "a2"))).toEqual({ values: ["a2"], more: false });
});

test("within a filter's values the server need not be asked", () => {
  expect(searchPath(filter(false, "Alpha", "beta"), "c", "A")).toBeNull();
  expect(foundOf(filter(false, "Alpha", "beta", "gym"), "c", "A", undefined)).toEqual({ values: ["Alpha", "beta"], more: false });
  expect(foundOf(filter(false, "beta"), "c", "x", undefined)).toEqual({ values: [], more: false });
});

test("until the server has answered nothing is known", () => {
  expect(foundOf([], "c", "a", undefined)).toBeNull();
});

test("more than a hundred are cut, and that is said", () => {
  const found = foundOf([], "c", "v", reply(...Array.from({ length: 101 }, (_, i) => `v${i}`)));
  expect(found?.values).toHaveLength(100);
  expect(found?.more).toBe(true);
});
