import { expect, test } from "vitest";
import { afterKey, nothing, type Reading, selectionOf } from "./reading";

const press = (keys: string[], from: Reading = nothing): Reading =>
  keys.reduce((r, key) => afterKey(key.replace("Shift+", ""), key.startsWith("Shift+"), r, 10, 9) ?? r, from);

test("arrows begin at the newest bucket and stay within", () => {
  expect(press(["ArrowLeft"]).at).toBe(9);
  expect(press(["ArrowLeft", "ArrowLeft", "ArrowLeft"]).at).toBe(7);
  expect(press(["End", "ArrowRight"]).at).toBe(9);
  expect(press(["Home", "ArrowLeft"]).at).toBe(0);
});

test("Shift selects, a plain arrow lets go", () => {
  const selected = press(["Home", "Shift+ArrowRight", "Shift+ArrowRight"]);
  expect(selectionOf(selected)).toEqual([0, 2]);
  expect(selectionOf(press(["Shift+Home"], { at: 4, anchor: null }))).toEqual([0, 4]);
  expect(selectionOf(press(["ArrowRight"], selected))).toBeNull();
});

test("Escape lets go of the selection, then of the reading, then does nothing", () => {
  const selected = press(["Home", "Shift+ArrowRight"]);
  expect(press(["Escape"], selected)).toEqual({ at: 1, anchor: null });
  expect(press(["Escape", "Escape"], selected)).toEqual(nothing);
  expect(afterKey("Escape", false, nothing, 10, 9)).toBeUndefined();
});

test("other keys and empty charts do nothing", () => {
  expect(afterKey("a", false, nothing, 10, 9)).toBeUndefined();
  expect(afterKey("End", false, nothing, 0, 0)).toBeUndefined();
});
