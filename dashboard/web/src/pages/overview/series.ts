import { isMetric, type Metric } from "../../format/metric";
import { type Grain, isGrain } from "../../state/grain";
import { type Span } from "../../state/range";

/** What a chart shows. */
export interface Series {
  metric: Metric;
  grain: Grain;
  span: Span;
  compared: boolean;
}

/** What the answer to a path is of. An answer may be one behind what is chosen; its path tells what it answers. */
export function seriesAt(path: string | null): Series | null {
  const params = new URLSearchParams(path?.slice(path.indexOf("?")) ?? "");
  const [metric, grain, from, to] = ["metrics", "grain", "from", "to"].map((name) => params.get(name));
  if (!isMetric(metric ?? null) || !isGrain(grain ?? null) || !from || !to) return null;
  return { metric: metric as Metric, grain: grain as Grain, span: { from, to }, compared: params.has("compare") };
}
