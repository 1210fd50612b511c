import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { heatOf, scaleOf, STRONGEST, WEAKEST } from "./heat";

test("counts are shaded from nothing to the greatest", () => {
  const scale = scaleOf("count", [0, 25, 100, null]);
  expect([0, 25, 100, null].map((n) => heatOf(scale, n))).toEqual([0, WEAKEST + (STRONGEST - WEAKEST) / 2, STRONGEST, 0]);
});

test("rates are shaded from the least to the greatest of them", () => {
  const scale = scaleOf("rate", [0.3, 0.35, 0.4, null]);
  expect(heatOf(scale, 0.3)).toBeCloseTo(WEAKEST);
  expect(heatOf(scale, 0.35)).toBeCloseTo((WEAKEST + STRONGEST) / 2);
  expect(heatOf(scale, 0.4)).toBeCloseTo(STRONGEST);
  expect(heatOf(scale, 0.9)).toBeCloseTo(STRONGEST); // of the rest, which is not in the scale
});

test.each([[[]], [[null, null]], [[0, 0]], [[0.5, 0.5]]])("where all of %j are alike there is no shade", (figures) => {
  expect(heatOf(scaleOf("rate", figures), figures[0] ?? null)).toBe(0);
});

// The themes' own colours, so that a change of one of them can't make a cell unreadable.
const css = readFileSync(new URL("../styles/tokens.css", import.meta.url), "utf8");
const themes = css.split("--ground").slice(1);
const coloursOf = (theme: string, name: string): number[] => {
  const value = new RegExp(`--${name}: ([^;]+);`).exec(theme)?.[1] ?? "";
  return value.startsWith("#") ? [1, 3, 5].map((i) => parseInt(value.slice(i, i + 2), 16)) : value.split(" ").map(Number);
};
const luminance = (rgb: number[]): number => {
  const [r = 0, g = 0, b = 0] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

test.each([0, 1, 2])("text can be read on every shade of theme %i", (i) => {
  const [ink, surface, heat] = ["ink", "surface", "heat"].map((name) => coloursOf(themes[i] ?? "", name)) as [number[], number[], number[]];
  for (let alpha = 0; alpha <= STRONGEST; alpha += 0.01) {
    const ground = heat.map((c, n) => alpha * c + (1 - alpha) * (surface[n] ?? 0));
    const [high = 0, low = 0] = [luminance(ink), luminance(ground)].sort((a, b) => b - a);
    expect((high + 0.05) / (low + 0.05)).toBeGreaterThanOrEqual(4.5);
  }
});
