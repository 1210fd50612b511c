import { addDays, isDay } from "../state/day";
import { type Grain } from "../state/grain";
import { ofDays, type Span } from "../state/range";

// Buckets are texts of the report time zone: a day, or RFC 3339 with that zone's offset. They are shown as they stand
// there, whatever zone the browser is in: the offset is cut off and the rest is read as UTC.
const shown = (bucket: string): Date => new Date(isDay(bucket) ? bucket : `${bucket.slice(0, 16)}Z`);

export interface Dates {
  /** The name of a bucket in a read-out. */
  bucket(bucket: string, grain: Grain): string;
  /** The name of a bucket on an axis; outer is what the tick before was of. */
  tick(bucket: string, grain: Grain): string;
  day(day: string): string;
  span(span: Span): string;
  /** A moment of the report time zone, RFC 3339, to the second. */
  moment(text: string): string;
}

/** The formats of a locale; the browser's own unless given. */
export function datesOf(locale?: string): Dates {
  const of = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
  const long = of({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
  const short = of({ day: "numeric", month: "short" });
  const full = of({ day: "numeric", month: "short", year: "numeric" });
  const month = of({ month: "long", year: "numeric" });
  const monthTick = of({ month: "short", year: "2-digit" });
  const clock = of({ hour: "numeric", minute: "2-digit" });
  const moment = of({ weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
  const second = of({ day: "numeric", month: "short", hour: "numeric", minute: "2-digit", second: "2-digit" });
  return {
    bucket(bucket, grain) {
      if (grain === "month") return month.format(shown(bucket));
      if (grain === "week") return full.formatRange(shown(bucket), shown(addDays(bucket, 6)));
      return (grain === "day" ? long : moment).format(shown(bucket));
    },
    tick(bucket, grain) {
      if (grain === "month") return monthTick.format(shown(bucket));
      if (grain === "day" || grain === "week") return short.format(shown(bucket));
      return bucket.slice(11, 16) === "00:00" ? short.format(shown(bucket)) : clock.format(shown(bucket));
    },
    day: (day) => full.format(shown(day)),
    span: (s) => (ofDays(s) ? full.formatRange(shown(s.from), shown(addDays(s.to, -1))) : moment.formatRange(shown(s.from), shown(s.to))),
    moment: (text) => second.format(new Date(`${text.slice(0, 19)}Z`)),
  };
}
