import { instantOf, instantText, isDay } from "../../state/day";
import { type Grain, grains, refusal } from "../../state/grain";
import { type Now, type Span } from "../../state/range";

/** The span from bucket first to bucket last of a chart, both within it: of days where it begins and ends with them. */
export function zoomed(buckets: string[], first: number, last: number, span: Span, timezone: string): Span {
  const edge = (i: number) => (i <= 0 ? span.from : i >= buckets.length ? span.to : (buckets[i] ?? span.to));
  const [from, to] = [edge(first), edge(last + 1)];
  const [fromDay, toDay] = [dayOf(from), dayOf(to)];
  if (fromDay && toDay) return { from: fromDay, to: toDay };
  return { from: momentOf(from, timezone), to: momentOf(to, timezone) };
}

/** The day that begins there, or null. */
const dayOf = (edge: string): string | null => (isDay(edge) ? edge : edge.slice(11, 19) === "00:00:00" ? edge.slice(0, 10) : null);

const momentOf = (edge: string, timezone: string): string =>
  isDay(edge) ? instantText(instantOf(edge, 0, timezone), timezone) : edge;

const FEW = 8;

/** The grain after a zoom: the present one, unless it would leave a handful of buckets and a finer one can be had. */
export function grainAfter(grain: Grain, count: number, span: Span, now: Now): Grain {
  const finer = grains[grains.indexOf(grain) - 1];
  return count < FEW && finer && refusal(finer, span, now) === null ? finer : grain;
}
