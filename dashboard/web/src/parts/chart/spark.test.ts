import { expect, test } from "vitest";
import { lineOf, placesOf } from "./spark";

test("the highest is at the top and 0 at the bottom", () => {
  expect(placesOf([0, 5, 10])).toEqual([[0, 100], [50, 50], [100, 0]]);
});

test("a gap breaks the line", () => {
  expect(lineOf(placesOf([1, null, 1, 1]))).toBe("M0 0M66.67 0L100 0");
});

test("nothing, one point, and zeros alone", () => {
  expect(lineOf(placesOf([]))).toBe("");
  expect(placesOf([7])).toEqual([[0, 0]]);
  expect(lineOf(placesOf([0, 0]))).toBe("M0 100L100 100");
});
