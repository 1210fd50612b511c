// A filter of the API: filter.<dimension>=v1,v2 or filter.<dimension>!=v1,v2.

export interface Filter {
  dimension: string;
  not: boolean;
  values: string[];
}

const PREFIX = "filter.";

/** Values are separated by commas; a comma or backslash within one is escaped. */
export const joinValues = (values: string[]): string => values.map((v) => v.replace(/[\\,]/g, "\\$&")).join(",");

export function splitValues(text: string): string[] {
  const values: string[] = [];
  let value = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "\\" && i + 1 < text.length) value += text[++i];
    else if (c === ",") {
      values.push(value);
      value = "";
    } else value += c;
  }
  return [...values, value];
}

const name = (f: Filter): string => `${PREFIX}${f.dimension}${f.not ? "!" : ""}`;

export function putFilters(params: URLSearchParams, filters: Filter[]): void {
  for (const f of filters) params.append(name(f), joinValues(f.values));
}

/** The filters of a URL, in its order; those of one dimension and sign become one. */
export function takeFilters(params: URLSearchParams): Filter[] {
  let filters: Filter[] = [];
  for (const [key, text] of params) {
    if (!key.startsWith(PREFIX) || text === "") continue;
    const not = key.endsWith("!");
    const dimension = key.slice(PREFIX.length, not ? -1 : undefined);
    for (const value of splitValues(text)) filters = withValue(filters, dimension, not, value);
  }
  return filters;
}

/** Adds a value, and takes it out of the filter of the other sign. */
export function withValue(filters: Filter[], dimension: string, not: boolean, value: string): Filter[] {
  const others = withoutValue(filters, dimension, !not, value);
  const same = others.find((f) => f.dimension === dimension && f.not === not);
  if (!same) return [...others, { dimension, not, values: [value] }];
  if (same.values.includes(value)) return others;
  return others.map((f) => (f === same ? { ...f, values: [...f.values, value] } : f));
}

export function withoutValue(filters: Filter[], dimension: string, not: boolean, value: string): Filter[] {
  return filters
    .map((f) => (f.dimension === dimension && f.not === not ? { ...f, values: f.values.filter((v) => v !== value) } : f))
    .filter((f) => f.values.length > 0);
}

/** Replaces the filter of a dimension and sign; no values take it away. */
export function withFilter(filters: Filter[], changed: Filter): Filter[] {
  const same = (f: Filter) => f.dimension === changed.dimension && f.not === changed.not;
  if (changed.values.length === 0) return filters.filter((f) => !same(f));
  return filters.some(same) ? filters.map((f) => (same(f) ? changed : f)) : [...filters, changed];
}

/** Turns the filter of a dimension around: what was asked for is left out, or the other way. */
export function turned(filters: Filter[], dimension: string, to: boolean): Filter[] {
  const from = filters.find((f) => f.dimension === dimension && f.not !== to);
  return (from?.values ?? []).reduce((all, value) => withValue(all, dimension, to, value), filters);
}

/** Moves the filter of a dimension and sign, if there is one, to a place among the filters. */
export function placed(filters: Filter[], { dimension, not }: Pick<Filter, "dimension" | "not">, at: number): Filter[] {
  const own = filters.find((f) => f.dimension === dimension && f.not === not);
  return own ? filters.filter((f) => f !== own).toSpliced(at, 0, own) : filters;
}
