import { boundOf, lengthOf, type Now, type Span } from "./range";

export const grains = ["minute", "hour", "day", "week", "month"] as const;
export type Grain = (typeof grains)[number];

export const isGrain = (text: string | null): text is Grain => text !== null && (grains as readonly string[]).includes(text);

// How long a span may be in days, so that a chart has points enough and not too many, and how long the server keeps a
// grain by default.
const rules: Record<Grain, { shortest: number; longest: number; kept: number }> = {
  minute: { shortest: 0, longest: 2, kept: 2 },
  hour: { shortest: 0, longest: 90, kept: 90 },
  day: { shortest: 1, longest: 1100, kept: Infinity },
  week: { shortest: 7, longest: 4000, kept: Infinity },
  month: { shortest: 28, longest: 40000, kept: Infinity },
};

/** Days of the clock may be an hour longer than so many times 24 hours. */
const DST = 1 / 24;

/** Why a span can't be shown at a grain, or null when it can. */
export function refusal(grain: Grain, span: Span, now: Now): string | null {
  const { shortest, longest, kept } = rules[grain];
  const length = lengthOf(span);
  if (length > longest) return `Choose ${longest} days or less`;
  if (length < shortest) return `Choose ${shortest} days or more`;
  if ((now.instant - boundOf(span.from, now.timezone)) / 86_400_000 > kept + DST) return `Kept for ${kept} days`;
  return null;
}

/** The grain that suits a span. */
export function naturalGrain(span: Span, now: Now): Grain {
  const length = lengthOf(span);
  if (length <= 0.15 && refusal("minute", span, now) === null) return "minute";
  if (length <= 2 && refusal("hour", span, now) === null) return "hour";
  if (length <= 186) return "day";
  return length <= 1000 ? "week" : "month";
}

/** The chosen grain if the span can be shown at it, else the natural one. */
export const grainOf = (chosen: Grain | null, span: Span, now: Now): Grain =>
  chosen !== null && refusal(chosen, span, now) === null ? chosen : naturalGrain(span, now);
