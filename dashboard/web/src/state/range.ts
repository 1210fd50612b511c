import { addDays, addMonths, type Day, daysBetween, firstOfMonth, instantOf, instantText, isDay, mondayOf, wallClock } from "./day";

/** A half-open stretch of time as the API takes it: two days, or two instants in RFC 3339. */
export interface Span {
  from: string;
  to: string;
}

/** A preset follows the present day; a span stays. */
export type Range = { preset: Preset } | Span;

export type Preset = keyof typeof presets;

interface PresetRule {
  label: string;
  span: (today: Day) => Span;
}

const lastDays = (n: number) => (today: Day) => ({ from: addDays(today, 1 - n), to: addDays(today, 1) });

export const presets = {
  today: { label: "Today", span: lastDays(1) },
  yesterday: { label: "Yesterday", span: (t: Day) => ({ from: addDays(t, -1), to: t }) },
  "7d": { label: "Last 7 days", span: lastDays(7) },
  "30d": { label: "Last 30 days", span: lastDays(30) },
  "90d": { label: "Last 90 days", span: lastDays(90) },
  week: { label: "This week", span: (t: Day) => ({ from: mondayOf(t), to: addDays(t, 1) }) },
  month: { label: "This month", span: (t: Day) => ({ from: firstOfMonth(t), to: addDays(t, 1) }) },
  last_month: { label: "Last month", span: (t: Day) => ({ from: addMonths(firstOfMonth(t), -1), to: firstOfMonth(t) }) },
  "12m": { label: "Last 12 months", span: (t: Day) => ({ from: addMonths(firstOfMonth(t), -11), to: addDays(t, 1) }) },
} satisfies Record<string, PresetRule>;

export const isPreset = (text: string | null): text is Preset => text !== null && Object.hasOwn(presets, text);

export const spanOf = (range: Range, today: Day): Span => ("preset" in range ? presets[range.preset].span(today) : range);

export const ofDays = (span: Span): boolean => isDay(span.from) && isDay(span.to);

const isInstant = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$/.test(text) && isDay(text.slice(0, 10));

/** A span that can be asked for, or null. */
export function parseSpan(from: string | null, to: string | null): Span | null {
  if (from === null || to === null) return null;
  const whole = isDay(from) && isDay(to);
  if (!whole && !(isInstant(from) && isInstant(to))) return null;
  return Date.parse(from) < Date.parse(to) ? { from, to } : null;
}

/** How long a span is, in days. */
export const lengthOf = (span: Span): number => (Date.parse(span.to) - Date.parse(span.from)) / 86_400_000;

/** What a clock of the report time zone shows now. */
export interface Now {
  instant: number; // Unix ms
  timezone: string;
}

/** The instant of a bound of a span, which is a day or an instant. */
export const boundOf = (bound: string, timezone: string): number => (isDay(bound) ? instantOf(bound, 0, timezone) : Date.parse(bound));

/** Whether a span reaches into what is not over. */
export const isOpen = (span: Span, now: Now): boolean => boundOf(span.to, now.timezone) > now.instant;

export type Compare = "previous_period" | "previous_year" | "none";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Hours are kept for 90 days by default; what begins earlier is compared by whole days, or not at all. */
export const HOURS_KEPT = 89;

/**
 * The span that a total is compared with, or null. That of an open span ends at the same hour of the day, so that a day that
 * is half over is not held against a whole one.
 */
export function previousSpan(span: Span, compare: Compare, now: Now): Span | null {
  if (compare === "none") return null;
  if (!ofDays(span)) return previousInstants(span, compare, now);
  const days = daysBetween(span.from, span.to);
  const back = (d: Day): Day => (compare === "previous_period" ? addDays(d, -days) : addMonths(d, -12));
  const before = { from: back(span.from), to: back(span.to) };
  const clock = wallClock(now.instant, now.timezone);
  if (!isOpen(span, now) || daysBetween(before.from, clock.day) > HOURS_KEPT) return before;
  const from = instantOf(before.from, 0, now.timezone);
  const cut = instantOf(back(clock.day), clock.hour + (clock.minute < 30 ? 0 : 1), now.timezone);
  return { from: instantText(from, now.timezone), to: instantText(Math.max(cut, from + HOUR_MS), now.timezone) };
}

function previousInstants(span: Span, compare: Compare, { instant, timezone }: Now): Span | null {
  const from = Date.parse(span.from);
  const length = Date.parse(span.to) - from;
  const unit = from % HOUR_MS === 0 && length % HOUR_MS === 0 ? HOUR_MS : MINUTE_MS;
  const over = Math.max(unit, Math.min(length, Math.round((instant - from) / unit) * unit));
  const start = compare === "previous_period" ? from - length : yearBefore(from, timezone);
  if (instant - start > HOURS_KEPT * 24 * HOUR_MS) return null;
  return { from: instantText(start, timezone), to: instantText(start + over, timezone) };
}

/** The instant at which the clock showed the same, a year before. */
function yearBefore(instant: number, timezone: string): number {
  const { day, hour } = wallClock(instant, timezone);
  return instantOf(addMonths(day, -12), hour, timezone) + (instant - instantOf(day, hour, timezone));
}
