// How strongly the cells of a pivot are shaded.
import { type MetricKind } from "../format/metric";

/** The least and the greatest of the figures that are compared. */
export interface Scale {
  kind: MetricKind;
  from: number;
  to: number;
}

/** Alpha of the weakest and the strongest shade: text on any of them has a contrast of 4.5 at least, in both themes. */
export const WEAKEST = 0.05;
export const STRONGEST = 0.6;

/** Counts begin at nothing; rates and durations, which lie close together, at the least of them. */
export function scaleOf(kind: MetricKind, figures: (number | null)[]): Scale {
  const known = figures.filter((f) => f !== null);
  const to = known.reduce((a, b) => Math.max(a, b), 0);
  return { kind, to, from: kind === "count" ? 0 : known.reduce((a, b) => Math.min(a, b), to) };
}

/** The alpha of a figure's shade; 0 where there is nothing to shade. Counts grow by their root, for a few values have most of them. */
export function heatOf(scale: Scale, figure: number | null): number {
  if (figure === null || scale.to <= scale.from || (scale.kind === "count" && figure === 0)) return 0;
  const part = Math.min(1, Math.max(0, (figure - scale.from) / (scale.to - scale.from)));
  return WEAKEST + (STRONGEST - WEAKEST) * (scale.kind === "count" ? Math.sqrt(part) : part);
}
