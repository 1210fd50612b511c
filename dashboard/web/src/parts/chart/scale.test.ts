import { expect, test } from "vitest";
import { marksOf } from "./scale";

test.each([
  [0, "count", [0, 5]],
  [1, "count", [0, 1]],
  [3, "count", [0, 1, 2, 3]],
  [5792, "count", [0, 2000, 4000, 6000]],
  [1e9, "count", [0, 2e8, 4e8, 6e8, 8e8, 1e9]],
  [0.42, "rate", [0, 0.1, 0.2, 0.3, 0.4, 0.5]],
  [1, "rate", [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0, "rate", [0, 1]],
  [329, "duration", [0, 120, 240, 360]],
  [4.2, "duration", [0, 1, 2, 3, 4, 5]],
  [1e6, "duration", [0, 2e5, 4e5, 6e5, 8e5, 1e6]],
] as const)("%d as a %s", (highest, kind, marks) => {
  expect(marksOf(highest, kind)).toEqual(marks);
});

test("the last mark holds the highest figure, and there are a handful", () => {
  for (let n = 1; n < 1e7; n = n * 1.37 + 0.3) {
    for (const kind of ["count", "duration"] as const) {
      const marks = marksOf(n, kind);
      expect(marks.at(-1)).toBeGreaterThanOrEqual(n);
      expect(marks.length).toBeLessThanOrEqual(6);
    }
  }
});
