// What the overview asks, and of which days. No figure is made here: sums of distinct users would be wrong.

import { type Question } from "../../api/query";
import { isTrailing, type Metric } from "../../format/metric";
import { addDays, addMonths, type Day, daysBetween, instantOf, instantText, isDay, wallClock } from "../../state/day";
import { type Filter } from "../../state/filter";
import { type Grain, naturalGrain } from "../../state/grain";
import { type Compare, HOURS_KEPT, lengthOf, type Now, ofDays, previousSpan, type Span } from "../../state/range";

/** What the reader has chosen. */
export interface Wish {
  span: Span;
  grain: Grain;
  metric: Metric;
  compare: Compare;
  filters: Filter[];
  now: Now;
}

/** The metrics that a total over the range tells. */
export const totalMetrics = ["active_users", "new_users", "sessions", "avg_session_duration", "bounce_rate", "events"] as const satisfies Metric[];

/** The days of the windows of active users, which end with the last day of the range. */
export const windows = { active_users: 1, wau: 7, mau: 30 } as const;
export type Windowed = keyof typeof windows;
export const isWindowed = (metric: Metric): metric is Windowed => Object.hasOwn(windows, metric);

/** The last day of a range, or today where the range goes on. */
export function lastDay(span: Span, now: Now): Day {
  const last = isDay(span.to) ? addDays(span.to, -1) : wallClock(Date.parse(span.to) - 1, now.timezone).day;
  const today = wallClock(now.instant, now.timezone).day;
  return last < today ? last : today;
}

const daysTo = (last: Day, days: number): Span => ({ from: addDays(last, 1 - days), to: addDays(last, 1) });

/** Trailing windows are known by day; a short range gets the 30 days up to it, so that there is a line to see. */
export function seriesOf({ metric, span, grain, now }: Pick<Wish, "metric" | "span" | "grain" | "now">): { span: Span; grain: Grain } {
  if (!isTrailing(metric)) return { span, grain };
  const shown = lengthOf(span) < 7 ? daysTo(lastDay(span, now), 30) : span;
  return { span: shown, grain: lengthOf(shown) <= 400 ? "day" : "week" };
}

/** Whether the server still has what a series is to be compared with: hours are kept for 90 days, minutes for 2. */
export function isComparable(span: Span, grain: Grain, compare: Compare, now: Now): boolean {
  if (compare === "none") return false;
  const kept = grain === "minute" ? 2 : grain === "hour" ? HOURS_KEPT : Infinity;
  const length = compare === "previous_period" ? lengthOf(span) : 365;
  return (now.instant - Date.parse(span.from)) / 86_400_000 + length <= kept + 1;
}

export function chartQuestion(wish: Wish): Question {
  const { span, grain } = seriesOf(wish);
  const compare = isComparable(span, grain, wish.compare, wish.now) ? wish.compare : "none";
  return { span, grain, metrics: [wish.metric], filters: wish.filters, compare, fill: true };
}

export function sparkQuestion({ span, filters, now }: Wish): Question & { grain: Grain } {
  return { span, grain: naturalGrain(span, now), metrics: [...totalMetrics], filters, fill: true };
}

/** Trailing windows read far more than their days, so they are asked for on their own. */
export function trailingQuestion(wish: Wish): Question {
  return { ...seriesOf({ ...wish, metric: "mau" }), metrics: ["wau", "mau"], filters: wish.filters, fill: true };
}

export const totalQuestion = (span: Span, filters: Filter[]): Question => ({ span, grain: "total", metrics: [...totalMetrics], filters, fill: true });

export const previousTotal = ({ span, compare, now }: Wish): Span | null => previousSpan(span, compare, now);

/** The active users of the last day and of the windows that end with it. */
export const presentQuestion = ({ span, filters, now }: Wish): Question => ({
  span: daysTo(lastDay(span, now), 1), grain: "total", metrics: ["active_users", "wau", "mau"], filters, fill: true,
});

/**
 * The window that a card's is compared with, or null. It ends with the corresponding day of the previous period, and where
 * the last day is still open at the same hour of it: a day that is half over is not held against a whole one. Where that hour is
 * not known any more, only windows are compared in which a day weighs little.
 */
export function previousWindow(metric: Windowed, { span, compare, now }: Wish): Span | null {
  if (compare === "none") return null;
  const days = windows[metric];
  const last = lastDay(span, now);
  const corresponding = compare === "previous_year" ? addMonths(last, -12) : addDays(last, -(ofDays(span) ? daysBetween(span.from, span.to) : 1));
  const clock = wallClock(now.instant, now.timezone);
  const whole = daysTo(corresponding, days);
  if (last < clock.day) return whole;
  if (daysBetween(whole.from, clock.day) > HOURS_KEPT) return days < 30 ? null : whole;
  const hour = Math.max(1, clock.hour + (clock.minute < 30 ? 0 : 1));
  const text = (day: Day, hour: number) => instantText(instantOf(day, hour, now.timezone), now.timezone);
  return { from: text(whole.from, 0), to: text(corresponding, hour) };
}

export const windowQuestion = (span: Span, filters: Filter[]): Question => ({ span, grain: "total", metrics: ["active_users"], filters, fill: true });
