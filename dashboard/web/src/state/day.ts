// Days are texts, YYYY-MM-DD, of the report time zone, as in the API. Reckoning with them happens in UTC, where all days
// have 24 hours.

export type Day = string;

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

/** The wall clock of a time zone at an instant. */
export function wallClock(instant: number, timezone: string): { day: Day; hour: number; minute: number } {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  }).formatToParts(instant);
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? "";
  return { day: `${part("year")}-${part("month")}-${part("day")}`, hour: Number(part("hour")), minute: Number(part("minute")) };
}

/** The instant at which the wall clock of a time zone shows an hour of a day; hour may be 24. */
export function instantOf(day: Day, hour: number, timezone: string): number {
  const wanted = Date.parse(day) + hour * 3_600_000;
  let guess = wanted;
  for (let i = 0; i < 2; i++) {
    const shown = wallClock(guess, timezone);
    guess += wanted - (Date.parse(shown.day) + shown.hour * 3_600_000 + shown.minute * 60_000);
  }
  return guess;
}
