import { expect, test } from "vitest";
import { place } from "./place";

const screen = { width: 1000, height: 800 };
const panel = { width: 300, height: 400 };

test("a panel opens below its anchor, at its start or end", () => {
  const anchor = { left: 400, top: 100, width: 80, height: 32 };
  expect(place(anchor, panel, screen, "start")).toEqual({ left: 400, top: 138, maxHeight: 654 });
  expect(place(anchor, panel, screen, "end").left).toBe(180);
});

test("a panel stays on the screen", () => {
  expect(place({ left: 980, top: 100, width: 20, height: 32 }, panel, screen, "start").left).toBe(692);
  expect(place({ left: 0, top: 100, width: 20, height: 32 }, panel, screen, "end").left).toBe(8);
});

test("a panel opens above where there is more room", () => {
  expect(place({ left: 0, top: 700, width: 20, height: 32 }, panel, screen, "start").top).toBe(294);
  const high = place({ left: 0, top: 700, width: 20, height: 32 }, { width: 300, height: 900 }, screen, "start");
  expect(high).toMatchObject({ top: 8, maxHeight: 686 });
});

test("a panel that fits nowhere is cut where there is more room", () => {
  expect(place({ left: 0, top: 100, width: 20, height: 32 }, { width: 300, height: 900 }, screen, "start")).toMatchObject({ top: 138, maxHeight: 654 });
});
