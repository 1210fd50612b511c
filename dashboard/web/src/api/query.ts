import { type Metric } from "../format/metric";
import { type Filter, putFilters } from "../state/filter";
import { type Grain } from "../state/grain";
import { type Compare, type Span } from "../state/range";

/** A question for GET /api/v1/query. */
export interface Question {
  span: Span;
  grain: Grain | "total";
  metrics: Metric[];
  filters: Filter[];
  groupBy?: string[];
  compare?: Compare;
  order?: string;
  limit?: number;
  rest?: boolean; // with (everything else)
  fill?: boolean; // with empty buckets
}

export type Row = { bucket: string } & Record<string, string | number | null>;

export interface Answer {
  rows: Row[];
  as_of: string;
  complete_through: string | null;
  late: number;
  duplicates: number;
  exact: boolean;
  build: number;
}

/** The path of a question; format is that of the reply. */
export function pathOf(q: Question, format?: "csv" | "parquet"): string {
  const params = new URLSearchParams({ from: q.span.from, to: q.span.to, grain: q.grain, metrics: q.metrics.join(",") });
  putFilters(params, q.filters);
  if (q.groupBy?.length) params.set("group_by", q.groupBy.join(","));
  if (q.compare && q.compare !== "none") params.set("compare", q.compare);
  if (q.order) params.set("order", q.order);
  if (q.limit) params.set("limit", String(q.limit));
  if (q.rest) params.set("everything_else", "true");
  if (q.fill) params.set("fill", "zero");
  if (format) params.set("format", format);
  return `api/v1/query?${params}`;
}

/** A number of a row, or null. */
export function numberOf(row: Row | undefined, column: string): number | null {
  const value = row?.[column];
  return typeof value === "number" ? value : null;
}
