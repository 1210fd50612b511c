import { expect, test } from "vitest";
import { areaOf, lineOf, placesOf } from "./spark";

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

test("the area below a line with a gap has the same gap", () => {
  expect(areaOf(placesOf([1, 2, null, 2, 1]))).toBe("M0 50L25 0L25 100L0 100ZM75 0L100 50L100 100L75 100Z");
  expect(areaOf(placesOf([null]))).toBe("");
});
