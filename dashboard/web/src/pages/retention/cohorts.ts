// Cohorts of new users, and how many of them came back.
import { addDays, type Day, isDay, mondayOf, wallClock } from "../../state/day";
import { type Filter, putFilters } from "../../state/filter";
import { type Span } from "../../state/range";

export type Width = "day" | "week";

export interface Cohort {
  cohort: Day; // a week's Monday
  users: number;
  active: number[]; // by period, from the cohort's own
  open?: boolean; // the last period is not over
}

export interface Retention {
  cohort: Width;
  rows: Cohort[];
}

export interface Question {
  width: Width;
  span: Span; // in days
  filters: Filter[];
  cut: boolean; // there were more cohorts in the range than fit
}

const DAYS = { day: 1, week: 7 };
const MOST = { day: 31, week: 26 };
const PERIODS = { day: 30, week: 26 };

/** The whole days of a span. */
function daysOf({ from, to }: Span, timezone: string): Span {
  const day = (instant: number) => wallClock(instant, timezone).day;
  return { from: isDay(from) ? from : day(Date.parse(from)), to: isDay(to) ? to : addDays(day(Date.parse(to) - 1), 1) };
}

/** Asks for the newest cohorts of a span that fit. */
export function questionOf(width: Width, span: Span, filters: Filter[], timezone: string): Question {
  const days = daysOf(span, timezone);
  const last = addDays(days.to, -1);
  const first = addDays(width === "week" ? mondayOf(last) : last, -(MOST[width] - 1) * DAYS[width]);
  const cut = days.from < first;
  return { width, filters, cut, span: { from: cut ? first : days.from, to: days.to } };
}

export function pathOf({ width, span, filters }: Question, format?: "csv"): string {
  const params = new URLSearchParams({ cohort: width, from: span.from, to: span.to, periods: String(PERIODS[width]) });
  putFilters(params, filters);
  if (format) params.set("format", format);
  return `api/v1/retention?${params}`;
}

/** The days whose events count in an answer. */
export const readSpan = ({ width, span }: Question): Span => ({
  from: width === "week" ? mondayOf(span.from) : span.from, to: addDays(span.to, (PERIODS[width] + 1) * DAYS[width]),
});

/** The cohorts from the first that has anyone on. */
export const begun = (rows: Cohort[]): Cohort[] => rows.slice(Math.max(0, rows.findIndex((r) => r.users > 0)));

export const periodsOf = (rows: Cohort[]): number => rows.reduce((most, r) => Math.max(most, r.active.length), 0);

export const isOpenAt = (row: Cohort, period: number): boolean => row.open === true && period === row.active.length - 1;

export const shareOf = (row: Cohort, period: number): number | null => {
  const active = row.active[period];
  return active === undefined || row.users === 0 ? null : active / row.users;
};

/** The averages after the cohorts' own period, up to the last that is known. */
export function curveOf(rows: Cohort[]): number[] {
  const averages = Array.from({ length: periodsOf(rows) }, (_, k) => averageOf(rows, k)).slice(1);
  const end = averages.indexOf(null);
  return (end < 0 ? averages : averages.slice(0, end)).map(Number);
}

/** Of all users whose period is whole, how many came in it; null where no period is. */
export function averageOf(rows: Cohort[], period: number): number | null {
  const whole = rows.filter((r) => period < r.active.length && !isOpenAt(r, period));
  const sum = (of: (r: Cohort) => number) => whole.reduce((total, r) => total + of(r), 0);
  const users = sum((r) => r.users);
  return users === 0 ? null : sum((r) => r.active[period] ?? 0) / users;
}
