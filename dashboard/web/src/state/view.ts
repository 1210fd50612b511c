import { isMetric, type Metric } from "../format/metric";
import { type Day, isDay } from "./day";
import { type Filter, putFilters, takeFilters } from "./filter";
import { type Grain, isGrain } from "./grain";
import { type Compare, isPreset, parseSpan, type Range } from "./range";

export const pages = ["overview", "breakdown", "retention", "explain", "realtime", "pipeline"] as const;
export type Page = (typeof pages)[number];

export const tops = [10, 25, 50, 100, 500] as const;
export type Top = (typeof tops)[number];

/** All that decides what is on screen. It is written to the URL and read from it, so that a link shows the same. */
export interface View {
  page: Page;
  range: Range | null; // null: the last 30 days, or those up to the newest event
  compare: Compare;
  grain: Grain | null; // null: what suits the range
  metric: Metric;
  filters: Filter[];
  by: string | null; // dimension of the breakdown; null: the first
  pivot: string | null; // second dimension
  order: string | null; // of the breakdown: a column, with "-" in front when falling; null: by users, falling
  top: Top; // rows of the breakdown
  cohort: "day" | "week";
  day: Day | null; // that is explained; null: yesterday
}

const plain: View = {
  page: "overview", range: null, compare: "previous_period", grain: null, metric: "active_users", filters: [],
  by: null, pivot: null, order: null, top: 25, cohort: "day", day: null,
};

/** The path of a page, relative to where the app is served. */
export const pathOf = (page: Page): string => (page === "overview" ? "./" : `./${page}`);

export function pageOf(path: string): Page {
  const last = path.slice(path.lastIndexOf("/") + 1);
  return (pages as readonly string[]).includes(last) ? (last as Page) : "overview";
}

function rangeOf(params: URLSearchParams): Range | null {
  const preset = params.get("range");
  return isPreset(preset) ? { preset } : parseSpan(params.get("from"), params.get("to"));
}

/** Reads a view from a path and a query text. What is not understood falls back to the standard. */
export function parseView(path: string, search: string): View {
  const params = new URLSearchParams(search);
  const compare = params.get("compare");
  const grain = params.get("grain");
  const metric = params.get("metric");
  const day = params.get("day");
  return {
    page: pageOf(path),
    range: rangeOf(params),
    compare: compare === "previous_year" || compare === "none" ? compare : plain.compare,
    grain: isGrain(grain) ? grain : null,
    metric: isMetric(metric) ? metric : plain.metric,
    filters: takeFilters(params),
    by: params.get("by"),
    pivot: params.get("pivot"),
    order: params.get("order"),
    top: tops.find((n) => String(n) === params.get("top")) ?? plain.top,
    cohort: params.get("cohort") === "week" ? "week" : "day",
    day: day !== null && isDay(day) ? day : plain.day,
  };
}

/** The query text of a view, without what is standard. */
export function searchOf(view: View): string {
  const params = new URLSearchParams();
  const put = (name: string, value: string | null, standard: string | null) => value !== null && value !== standard && params.set(name, value);
  if (view.range && "preset" in view.range) params.set("range", view.range.preset);
  else if (view.range) {
    params.set("from", view.range.from);
    params.set("to", view.range.to);
  }
  put("compare", view.compare, plain.compare);
  put("grain", view.grain, plain.grain);
  put("metric", view.metric, plain.metric);
  putFilters(params, view.filters);
  put("by", view.by, plain.by);
  put("pivot", view.pivot, plain.pivot);
  put("order", view.order, plain.order);
  put("top", String(view.top), String(plain.top));
  put("cohort", view.cohort, plain.cohort);
  put("day", view.day, plain.day);
  const text = params.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return text === "" ? "" : `?${text}`;
}

/** The link to a view. */
export const linkTo = (view: View): string => pathOf(view.page) + searchOf(view);
