// What a table of a dimension asks the API.
import { type Question, type Row } from "../../api/query";
import { type Filter, withFilter } from "../../state/filter";
import { type Span } from "../../state/range";
import { columns, type Order, orderText } from "./order";

/** What a breakdown is of. */
export interface Subject {
  by: string;
  span: Span;
  filters: Filter[];
}

/** Values that a search finds are shown up to this many. */
export const MOST_FOUND = 100;

/** Values of a question that has to have a body of 64 KiB at most. */
const MOST_VALUE_BYTES = 48 * 1024;

const question = (subject: Subject): Question => ({ span: subject.span, filters: subject.filters, grain: "total", metrics: [...columns] });

/** The first rows of a subject, and all others as one. */
export const topQuestion = (subject: Subject, order: Order, top: number): Question => ({
  ...question(subject), groupBy: [subject.by], order: orderText(order), limit: top, rest: true,
});

/** The rows of some values. */
export const valuesQuestion = (subject: Subject, order: Order, values: string[]): Question => ({
  ...question(subject), filters: only(subject.filters, subject.by, values), groupBy: [subject.by], order: orderText(order), limit: MOST_FOUND,
});

export const totalQuestion = (subject: Subject): Question => question(subject);

/** The same values in another span. They are in an order of their own, so that the question stays while rows change places. */
export const beforeQuestion = (subject: Subject, span: Span, values: string[]): Question => ({
  ...question(subject), span, filters: only(subject.filters, subject.by, affordable(values).sort()), groupBy: [subject.by],
});

/** The first of some values, as many as fit into a question. */
export function affordable(values: string[]): string[] {
  const bytes = (value: string) => 2 * new TextEncoder().encode(value).length + 2;
  let left = MOST_VALUE_BYTES;
  return values.filter((value) => (left -= bytes(value)) >= 0);
}

/** Filters that let through only some values of a dimension, which they let through before. */
export const only = (filters: Filter[], dimension: string, values: string[]): Filter[] => withFilter(filters, { dimension, not: false, values });

/** Filters that keep out some values of a dimension as well. */
export function without(filters: Filter[], dimension: string, values: string[]): Filter[] {
  const kept = filters.find((f) => f.dimension === dimension && f.not)?.values ?? [];
  return withFilter(filters, { dimension, not: true, values: [...new Set([...kept, ...values])] });
}

/** A row of a table: a value's, or that of all values beyond the first. */
export interface Group {
  key: string; // unlike any other's
  value: string;
  rest: boolean;
  row: Row;
}

/** The groups of the rows of a dimension. A value may be called like the rest: that one comes last, beyond the limit. */
export const groupsOf = (rows: Row[], dimension: string, limit: number): Group[] =>
  rows.map((row, i) => {
    const rest = i >= limit;
    const value = String(row[dimension]);
    return { key: rest ? "rest" : `=${value}`, value, rest, row };
  });
