import { expect, test } from "vitest";
import { stepped } from "./steps";

test.each([
  ["ArrowLeft", false, [1, 0]],
  ["ArrowRight", false, [1, 2]],
  ["ArrowUp", false, [0, 1]],
  ["ArrowDown", false, [2, 1]],
  ["Home", false, [1, 0]],
  ["End", false, [1, 3]],
  ["Home", true, [0, 0]],
  ["End", true, [2, 3]],
])("%s (ctrl %j) leads to %j", (key, ctrl, [row, column]) => {
  expect(stepped({ row: 1, column: 1 }, key, ctrl, 3, 4)).toEqual({ row, column });
});

test("a grid is not left, and other keys lead nowhere", () => {
  expect(stepped({ row: 0, column: 0 }, "ArrowUp", false, 3, 4)).toEqual({ row: 0, column: 0 });
  expect(stepped({ row: 2, column: 3 }, "ArrowRight", false, 3, 4)).toEqual({ row: 2, column: 3 });
  expect(stepped({ row: 0, column: 0 }, "a", false, 3, 4)).toBeNull();
});
