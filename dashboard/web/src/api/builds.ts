/** The reply of GET /api/v1/builds, as far as it is shown. */
export interface BuildsState {
  active: number;
  builds: Build[];
  rebuild: Rebuild | null; // null when there was none since the start of the process
}

/** One whole set of figures. */
export interface Build {
  number: number;
  state: "building" | "active" | "kept";
  dimensions: string[];
  shards: number;
  settings?: Record<string, string>; // what else its figures depend on
  begun: number; // Unix ms
  activated: number; // the last time; 0 for never
}

/** A rebuild under way, or the last one. */
export interface Rebuild {
  state: "running" | "done" | "failed" | "cancelled";
  phase: string; // folding, verifying or activating
  build: number; // 0 before it is known
  events: number;
  events_total: number; // about
  seconds_left: number; // about; 0 when it is not known
  started: string;
  ended: string; // empty while it runs
  error: string;
}
