import { numberOf, type Row } from "../../api/query";
import { type Formats, figure } from "../../format/number";
import { type Metric, metrics } from "../../format/metric";
import { isWindowed, type Windowed, windows } from "./plan";

/** The answers that cards are made of; undefined: not there yet. */
export interface Figures {
  total?: Row[];
  previousTotal?: Row[];
  present?: Row[];
  previousWindows: Partial<Record<Windowed, Row[]>>;
  sparks?: Row[];
  trailing?: Row[];
}

/** How the cards speak of time. */
export interface Words {
  day: string; // the last day: "28 Nov"
  length: string; // of the range: "30 days"
  before: string | null; // what is compared with: "the previous period"
  open: boolean; // the range is not over
  dayOpen: boolean; // nor is its last day
}

export interface Shown {
  label: string;
  value: number | null | undefined;
  previous: number | null;
  values: (number | null)[];
  note: string;
  about: string;
  open: boolean; // the figure is still growing
}

/** What the card of a metric shows. */
export function cardOf(metric: Metric, figures: Figures, words: Words, formats: Formats): Shown {
  const windowed = isWindowed(metric);
  const rows = windowed ? figures.present : figures.total;
  const previous = windowed ? numberOf(figures.previousWindows[metric]?.[0], "active_users") : numberOf(figures.previousTotal?.[0], metric);
  const open = windowed ? words.dayOpen : words.open;
  return {
    label: metric === "active_users" ? "Daily active users" : metrics[metric].label,
    value: rows && numberOf(rows[0], metric),
    previous,
    values: (metric === "wau" || metric === "mau" ? figures.trailing : figures.sparks)?.map((row) => numberOf(row, metric)) ?? [],
    note: noteOf(metric, figures, words, formats),
    about: [metrics[metric].about, ...comparison(metric, previous, open, words, formats)].join(" "),
    open,
  };
}

function noteOf(metric: Metric, figures: Figures, { day, length }: Words, formats: Formats): string {
  if (metric === "active_users") {
    const all = numberOf(figures.total?.[0], "active_users");
    return all === null || all === numberOf(figures.present?.[0], "active_users") ? day : `${day} · ${formats.count(all)} in range`; // a union, which no sum of days gives
  }
  return isWindowed(metric) ? `${windows[metric]} days to ${day}` : `in ${length}`;
}

function comparison(metric: Metric, previous: number | null, open: boolean, { before }: Words, formats: Formats): string[] {
  if (before === null || previous === null) return [];
  const cut = open ? ", up to the same hour" : "";
  return [`${figure(formats, metrics[metric].kind, previous)} in ${before}${cut}.`];
}
