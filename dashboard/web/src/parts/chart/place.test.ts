import { expect, test } from "vitest";
import { bucketAt, xOf, yOf } from "./place";

const area = { left: 50, top: 10, width: 300, height: 100, highest: 40 };

test("there and back", () => {
  for (const i of [0, 1, 15, 30]) expect(bucketAt(area, xOf(area, i, 31), 31)).toBe(i);
  expect(bucketAt(area, xOf(area, 0, 1), 1)).toBe(0);
});

test("beside the area is the nearest bucket", () => {
  expect(bucketAt(area, 0, 31)).toBe(0);
  expect(bucketAt(area, 999, 31)).toBe(30);
  expect(bucketAt(area, 100, 0)).toBe(0);
});

test("0 is at the bottom", () => {
  expect([yOf(area, 0), yOf(area, 40)]).toEqual([110, 10]);
});
