import { addDays, addMonths, type Day, daysBetween, firstOfMonth, instantText, mondayOf, wallClock } from "./day";
import { type Now, ofDays, type Preset, presets, type Range, type Span, spanOf } from "./range";

/** Presets that stand for a unit of the calendar, which is whole only when it is over. */
const units: Partial<Record<Preset, (today: Day) => Span>> = {
  today: presets.today.span,
  week: (t) => ({ from: mondayOf(t), to: addDays(mondayOf(t), 7) }),
  month: (t) => ({ from: firstOfMonth(t), to: addMonths(firstOfMonth(t), 1) }),
};

const isFirst = (day: Day): boolean => day === firstOfMonth(day);

function moved(span: Span, by: 1 | -1): Span {
  const move = (d: Day): Day => {
    if (!isFirst(span.from) || !isFirst(span.to)) return addDays(d, by * daysBetween(span.from, span.to));
    return addMonths(d, by * months(span));
  };
  return { from: move(span.from), to: move(span.to) };
}

function months({ from, to }: Span): number {
  const [y = 0, m = 0] = from.split("-").map(Number);
  const [ty = 0, tm = 0] = to.split("-").map(Number);
  return (ty - y) * 12 + tm - m;
}

/**
 * The range before or after one of the same length, or null where that lies in the future. Whole months go by months. What
 * arrives at the present day, week or month is its preset; what reaches beyond today ends with it.
 */
export function shifted(range: Range, by: 1 | -1, now: Now): Range | null {
  const { day: today } = wallClock(now.instant, now.timezone);
  const unit = "preset" in range ? units[range.preset] : undefined;
  const span = unit ? unit(today) : spanOf(range, today);
  if (!ofDays(span)) return shiftedInstants(span, by, now);
  const to = moved(span, by);
  if (to.from > today) return null;
  const preset = (Object.keys(units) as Preset[]).find((p) => same(units[p]?.(today), to));
  if (preset) return { preset };
  const end = addDays(today, 1);
  return { from: to.from, to: to.to > end ? end : to.to };
}

function shiftedInstants(span: Span, by: 1 | -1, { instant, timezone }: Now): Span | null {
  const length = Date.parse(span.to) - Date.parse(span.from);
  const from = Date.parse(span.from) + by * length;
  return from > instant ? null : { from: instantText(from, timezone), to: instantText(from + length, timezone) };
}

const same = (a: Span | undefined, b: Span): boolean => a?.from === b.from && a.to === b.to;
