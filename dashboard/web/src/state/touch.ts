import { type Change } from "../api/stream";
import { addDays, isDay } from "./day";
import { type Span } from "./range";

/** Whether a change concerns a span. before is how many days ahead of it are read too, as trailing windows do. */
export function touches(change: Change, span: Span, before = 0): boolean {
  if (change.reset) return true;
  const first = addDays(span.from.slice(0, 10), -before - (isDay(span.from) ? 0 : 1));
  const last = isDay(span.to) ? addDays(span.to, -1) : addDays(span.to.slice(0, 10), 1);
  return change.days.some((d) => d >= first && d <= last);
}
