// Which values of a dimension a search finds. Values beyond the first rows are found too: the server is asked.
import { type Values } from "../../parts/filters/options";
import { type Filter } from "../../state/filter";
import { affordable, MOST_FOUND } from "./questions";

export interface Found {
  values: string[];
  more: boolean; // there are others
}

const valuesOf = (filters: Filter[], dimension: string, not: boolean): string[] | undefined =>
  filters.find((f) => f.dimension === dimension && f.not === not)?.values;

/** What to ask the server for; null when the filters say already which values there are. */
export function searchPath(filters: Filter[], dimension: string, search: string): string | null {
  if (search === "" || valuesOf(filters, dimension, false)) return null;
  const limit = Math.min(10_000, MOST_FOUND + 1 + (valuesOf(filters, dimension, true)?.length ?? 0));
  return `api/v1/dimensions/${encodeURIComponent(dimension)}?${new URLSearchParams({ search, limit: String(limit) })}`;
}

/** The values that are found among those that the filters let through; null when nothing is searched for, or not known yet. */
export function foundOf(filters: Filter[], dimension: string, search: string, reply: Values | undefined): Found | null {
  if (search === "") return null;
  const asked = valuesOf(filters, dimension, false)?.filter((v) => v.toLowerCase().includes(search.toLowerCase()));
  const values = asked ?? reply?.values.map((v) => v.value);
  if (!values) return null;
  const kept = new Set(valuesOf(filters, dimension, true));
  const through = values.filter((v) => !kept.has(v));
  const shown = affordable(through.slice(0, MOST_FOUND));
  return { values: shown, more: shown.length < through.length };
}
