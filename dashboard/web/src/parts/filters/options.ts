/** The reply of GET /api/v1/dimensions/<name>: the heaviest values that contain what was searched for. */
export interface Values {
  dimension: string;
  values: { value: string; weight: number }[];
}

/** How many values are asked for, and shown. */
export const LIMIT = 50;

export interface Option {
  value: string;
  weight: number | null; // null: not among the heaviest
}

export const pathOf = (dimension: string, search: string): string =>
  `api/v1/dimensions/${encodeURIComponent(dimension)}?${new URLSearchParams({ search, limit: String(LIMIT) })}`;

/** What can't be filtered by: it is no value. */
const REST = "(everything else)";

/**
 * What is offered: the ticked values that match first, then those that were found, and what was typed when it is none of
 * them, for a value may be too light to be found or yet to come.
 */
export function optionsOf(ticked: string[], found: Values["values"], search: string): Option[] {
  const weights = new Map(found.map((f) => [f.value, f.weight]));
  const needle = search.toLowerCase();
  const top = ticked.filter((v) => weights.has(v) || v.toLowerCase().includes(needle)).slice(0, LIMIT);
  const options: Option[] = top.map((value) => ({ value, weight: weights.get(value) ?? null }));
  const shown = new Set(top);
  for (const { value, weight } of found) if (!shown.has(value) && value !== REST) options.push({ value, weight });
  if (search !== "" && search !== REST && !shown.has(search) && !weights.has(search)) options.push({ value: search, weight: null });
  return options;
}

/** The short text of a filter's values: at most two of them are named. */
export function shortened(values: string[]): { shown: string[]; more: number } {
  const shown = values.slice(0, values.length === 3 ? 3 : 2);
  return { shown, more: values.length - shown.length };
}
