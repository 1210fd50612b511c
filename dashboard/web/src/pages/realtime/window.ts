import { type Row, numberOf } from "../../api/query";
import { instantText } from "../../state/day";
import { type Now, type Span } from "../../state/range";

export const MINUTES = 30;
const MINUTE_MS = 60_000;

/** The minute that goes on and the 29 before it. */
export function windowOf({ instant, timezone }: Now): Span {
  const minute = Math.floor(instant / MINUTE_MS) * MINUTE_MS;
  return { from: instantText(minute - (MINUTES - 1) * MINUTE_MS, timezone), to: instantText(minute + MINUTE_MS, timezone) };
}

export interface Bar {
  minute: string; // RFC 3339
  users: number;
  share: number; // of the busiest minute, 0 to 1
  open: boolean; // it is not over
}

/** The bars of a window's rows; the last is of the minute that goes on. */
export function barsOf(rows: Row[], span: Span): Bar[] {
  const users = rows.map((row) => numberOf(row, "active_users") ?? 0);
  const most = Math.max(1, ...users);
  const end = Date.parse(span.to);
  return rows.map((row, i) => ({ minute: row.bucket, users: users[i]!, share: users[i]! / most, open: Date.parse(row.bucket) + MINUTE_MS >= end }));
}

/** Whether a bar has its minute below it: those of a round one, as long as they leave room for what stands below the last. */
export const isMarked = (bar: Bar, at: number, count: number): boolean => Number(bar.minute.slice(14, 16)) % 5 === 0 && at < count - 3;

/** Where a key leads from a bar, or null. */
export function barAfter(key: string, at: number, count: number): number | null {
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: count - 1 }[key];
  return to === undefined ? null : Math.min(Math.max(to, 0), count - 1);
}
