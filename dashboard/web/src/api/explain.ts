import { type Day } from "../state/day";
import { type Filter, putFilters } from "../state/filter";

/** What the commits of some hours did to a day. Figures are signed. */
export interface Step {
  kind: "before_history" | "day" | "first" | "later";
  from?: string; // the first commit
  to?: string; // the last one
  hours: number; // that had any
  commits: number;
  first_version: number;
  last_version: number;
  events: number;
  sessions: number;
  sessions_taken_back: number;
  bounces: number;
  total_session_duration: number; // seconds
  new_users: number;
  active_users: number;
  duplicates: number;
  late: number;
}

export interface Cell {
  values: string[];
  events: number;
  sessions: number;
  bounces: number;
  total_session_duration: number;
  new_users: number;
  active_users: number;
}

export interface Hour {
  hour: string;
  accepted: number;
  duplicates: number;
  late: number;
}

/** The reply of GET /api/v1/explain. */
export interface Explanation {
  day: Day;
  over: boolean;
  verdict: "empty" | "open" | "unchanged" | "changed";
  since: Step;
  figures: { metric: string; value: number | null }[];
  cuboid: string[];
  cells: Cell[];
  rest: (Omit<Cell, "values" | "active_users"> & { cells: number }) | null;
  steps: Step[];
  history_begins?: string;
  hours: Hour[];
  version: number;
  store_version: number;
  build: number;
  /** Rebuilds and rollbacks, the last first. */
  builds: { build: number; begun: string; in_use: string; settings: Record<string, string> }[];
  shards: number;
}

/** The path of the explanation of a day under filters. */
export function explainPath(day: Day, filters: Filter[], metrics: readonly string[]): string {
  const params = new URLSearchParams({ day, metrics: metrics.join(",") });
  putFilters(params, filters);
  return `api/v1/explain?${params}`;
}
