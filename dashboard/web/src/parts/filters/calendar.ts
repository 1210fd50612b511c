import { addDays, addMonths, type Day, firstOfMonth, weekday } from "../../state/day";

/** The first day of the week of a locale: 0 is Monday. */
export function firstWeekday(locale: string): number {
  const known = new Intl.Locale(locale) as Intl.Locale & { getWeekInfo?(): { firstDay: number }; weekInfo?: { firstDay: number } };
  const info = known.getWeekInfo?.() ?? known.weekInfo;
  return info ? info.firstDay - 1 : 0;
}

/** The weeks of a month, seven places each; null where a day is of another month. */
export function weeksOf(month: Day, first: number): (Day | null)[][] {
  const start = firstOfMonth(month);
  const lead = (weekday(start) - first + 7) % 7;
  const weeks: (Day | null)[][] = [];
  for (let day = addDays(start, -lead); day < addMonths(start, 1); day = addDays(day, 7))
    weeks.push(Array.from({ length: 7 }, (_, i) => addDays(day, i)).map((d) => (firstOfMonth(d) === start ? d : null)));
  return weeks;
}

/** Where a key leads from a day, or null when it leads nowhere. With shift, pages are years. */
export function stepped(day: Day, key: string, shift: boolean, first: number): Day | null {
  const inWeek = (weekday(day) - first + 7) % 7;
  switch (key) {
    case "ArrowLeft":
      return addDays(day, -1);
    case "ArrowRight":
      return addDays(day, 1);
    case "ArrowUp":
      return addDays(day, -7);
    case "ArrowDown":
      return addDays(day, 7);
    case "PageUp":
      return addMonths(day, shift ? -12 : -1);
    case "PageDown":
      return addMonths(day, shift ? 12 : 1);
    case "Home":
      return addDays(day, -inWeek);
    case "End":
      return addDays(day, 6 - inWeek);
    default:
      return null;
  }
}

/** The first and last of two days in either order. */
export const ordered = (a: Day, b: Day): [Day, Day] => (a <= b ? [a, b] : [b, a]);

/** Why two typed days are no range, or null. */
export function refusal(from: string, to: string, today: Day): string | null {
  if (from === "" || to === "") return "Give both days.";
  if (from > to) return "The first day comes after the last.";
  return to > today ? "The last day lies in the future." : null;
}
