// Days are texts, YYYY-MM-DD, of the report time zone, as in the API. Reckoning with them happens in UTC, where all days
// have 24 hours.

export type Day = string;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

export const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);

const at = (ms: number): Day => new Date(ms).toISOString().slice(0, 10);

export const addDays = (day: Day, days: number): Day => at(Date.parse(day) + days * DAY_MS);

/** The number of days from a to b. */
export const daysBetween = (a: Day, b: Day): number => Math.round((Date.parse(b) - Date.parse(a)) / DAY_MS);

/** The same day of another month, or that month's last day. */
export function addMonths(day: Day, months: number): Day {
  const [y = 0, m = 1, d = 1] = day.split("-").map(Number);
  const last = new Date(Date.UTC(y, m + months, 0)).getUTCDate();
  return at(Date.UTC(y, m - 1 + months, Math.min(d, last)));
}

export const firstOfMonth = (day: Day): Day => `${day.slice(0, 7)}-01`;

/** 0 is Monday. */
export const weekday = (day: Day): number => (new Date(day).getUTCDay() + 6) % 7;

export const mondayOf = (day: Day): Day => addDays(day, -weekday(day));

// Making a format takes longer than using it.
const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timezone: string): Intl.DateTimeFormat {
  const made = clocks.get(timezone) ?? new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  });
  clocks.set(timezone, made);
  return made;
}

/** The wall clock of a time zone at an instant. */
export function wallClock(instant: number, timezone: string): { day: Day; hour: number; minute: number } {
  const parts = clockOf(timezone).formatToParts(instant);
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? "";
  return { day: `${part("year")}-${part("month")}-${part("day")}`, hour: Number(part("hour")), minute: Number(part("minute")) };
}

/** What the wall clock of a time zone is ahead of UTC at an instant, in ms. */
function offsetOf(instant: number, timezone: string): number {
  const { day, hour, minute } = wallClock(instant, timezone);
  return Date.parse(day) + hour * HOUR_MS + minute * MINUTE_MS - Math.floor(instant / MINUTE_MS) * MINUTE_MS;
}

/**
 * The instant at which the wall clock of a time zone shows an hour of a day; hour may be 24. Of an hour that comes twice it
 * is the first; for one that is skipped it is when the clock has moved on by as much.
 */
export function instantOf(day: Day, hour: number, timezone: string): number {
  const wanted = Date.parse(day) + hour * HOUR_MS;
  const before = wanted - offsetOf(wanted - DAY_MS, timezone);
  const after = wanted - offsetOf(wanted + DAY_MS, timezone);
  return offsetOf(before, timezone) === wanted - before ? before : offsetOf(after, timezone) === wanted - after ? after : before;
}

/** An instant as RFC 3339 with the offset of a time zone, as the API writes it. */
export function instantText(instant: number, timezone: string): string {
  const offset = offsetOf(instant, timezone);
  const shown = new Date(instant + offset).toISOString().slice(0, 19);
  if (timezone === "UTC") return `${shown}Z`;
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0");
  const minutes = Math.abs(offset) / MINUTE_MS;
  return `${shown}${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
