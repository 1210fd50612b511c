import { type Metric } from "../../format/metric";

/** The columns of figures, as they stand. */
export const columns = ["active_users", "new_users", "sessions", "avg_session_duration", "bounce_rate", "events"] as const satisfies Metric[];
export type Column = (typeof columns)[number];

export const isColumn = (text: string): text is Column => (columns as readonly string[]).includes(text);

/** What rows are ordered by: a figure, or the dimension itself. */
export interface Order {
  column: string;
  falling: boolean;
}

/** The order that a URL asks for; most users first unless it can be had. */
export function orderOf(text: string | null, dimension: string): Order {
  const falling = text?.startsWith("-") ?? false;
  const column = text?.slice(falling ? 1 : 0) ?? "";
  return isColumn(column) || column === dimension ? { column, falling } : { column: "active_users", falling: true };
}

/** As the API and the URL have it. */
export const orderText = (order: Order): string => (order.falling ? "-" : "") + order.column;

/** The order after a click on a column: figures begin with the greatest, names with the first. */
export function clicked(order: Order, column: string): Order {
  if (order.column === column) return { column, falling: !order.falling };
  return { column, falling: isColumn(column) };
}

/** The figure that an order is about; users for an order by name. */
export const sorted = (order: Order): Column => (isColumn(order.column) ? order.column : "active_users");

/** The metric of a pivot: trailing windows are not for a whole range. */
export const pivotMetric = (metric: Metric): Column => (isColumn(metric) ? metric : "active_users");
