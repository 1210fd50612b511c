import { weekday } from "../../state/day";
import { type Grain } from "../../state/grain";

type Rule = (bucket: string) => boolean;

const hourOf = (b: string): number => Number(b.slice(11, 13));
const minuteOf = (b: string): number => Number(b.slice(14, 16));
const dayOf = (b: string): number => Number(b.slice(8, 10));
const monthOf = (b: string): number => Number(b.slice(5, 7));

const everyMinutes = (n: number): Rule => (b) => minuteOf(b) % n === 0;
const everyHours = (n: number): Rule => (b) => minuteOf(b) === 0 && hourOf(b) % n === 0;
const mondays: Rule = (b) => weekday(b.slice(0, 10)) === 0;
const everyMonths = (n: number): Rule => (b) => dayOf(b) === 1 && (monthOf(b) - 1) % n === 0;
const firstWeeks = (n: number): Rule => (b) => dayOf(b) <= 7 && (monthOf(b) - 1) % n === 0;
const midnight = everyHours(24);
const atMidnight = (rule: Rule): Rule => (b) => midnight(b) && rule(b);

const days: Rule[] = [mondays, everyMonths(1), everyMonths(3), everyMonths(12)];
const hours: Rule[] = [1, 2, 3, 6, 12, 24].map(everyHours);

// From fine to coarse.
const rules: Record<Grain, Rule[]> = {
  minute: [...[1, 5, 10, 15, 30].map(everyMinutes), ...hours],
  hour: [...hours, ...days.map(atMidnight)],
  day: [() => true, ...days],
  week: [() => true, firstWeeks(1), firstWeeks(3), firstWeeks(12)],
  month: [() => true, everyMonths(3), everyMonths(12)],
};

/** The indices of the buckets that get a label: boundaries a reader expects, at most so many. */
export function ticksOf(buckets: string[], grain: Grain, most: number): number[] {
  let ticks: number[] = [];
  for (const rule of rules[grain]) {
    const found = indices(buckets, rule);
    if (found.length < 2 && ticks.length > 0) break; // so coarse that hardly anything is left: rather every other of the finer
    ticks = found;
    if (ticks.length <= most) return ticks;
  }
  const step = Math.ceil(ticks.length / Math.max(most, 1));
  return ticks.filter((_, i) => i % step === 0);
}

function indices(buckets: string[], rule: Rule): number[] {
  const found: number[] = [];
  buckets.forEach((b, i) => rule(b) && found.push(i));
  return found;
}
