import { type MetricKind } from "../../format/metric";

const LINES = 5;

/** Steps that read well as clock times, in seconds. */
const clockSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/** The marks of an axis that begins at 0 and holds the highest figure; the last one is its end. */
export function marksOf(highest: number, kind: MetricKind): number[] {
  if (highest <= 0) return kind === "rate" ? [0, 1] : [0, LINES];
  const step = stepFor(highest / LINES, kind);
  const count = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

function stepFor(least: number, kind: MetricKind): number {
  if (kind === "duration") {
    const step = clockSteps.find((s) => s >= least);
    if (step !== undefined) return step;
  }
  const step = roundUp(least);
  return kind === "count" ? Math.max(1, step) : step;
}

/** The next of 1, 2, 5, 10, 20, 50 and so on. */
function roundUp(n: number): number {
  const power = 10 ** Math.floor(Math.log10(n));
  return power * ([1, 2, 5].find((m) => m * power >= n * (1 - 1e-9)) ?? 10);
}
