// The metrics of the API, in the order in which they are shown.

export const metrics = {
  active_users: { label: "Active users", short: "Users", kind: "count", better: "up", about: "Distinct users with at least one event." },
  wau: { label: "Weekly active users", short: "WAU", kind: "count", better: "up", about: "Distinct users of the 7 days that end with the day." },
  mau: { label: "Monthly active users", short: "MAU", kind: "count", better: "up", about: "Distinct users of the 30 days that end with the day." },
  new_users: { label: "New users", short: "New", kind: "count", better: "up", about: "Users whose first event of all lies here." },
  sessions: { label: "Sessions", short: "Sessions", kind: "count", better: "up", about: "Runs of a user's events without a longer pause." },
  avg_session_duration: { label: "Average session", short: "Avg. session", kind: "duration", better: "up", about: "From the first event of a session to its last." },
  bounce_rate: { label: "Bounce rate", short: "Bounce", kind: "rate", better: "down", about: "Sessions with at most one interaction." },
  events: { label: "Events", short: "Events", kind: "count", better: "up", about: "All events, duplicates left out." },
} as const satisfies Record<string, { label: string; short: string; kind: MetricKind; better: "up" | "down"; about: string }>;

export type MetricKind = "count" | "duration" | "rate";
export type Metric = keyof typeof metrics;

export const metricNames = Object.keys(metrics) as Metric[];

export const isMetric = (text: string | null): text is Metric => text !== null && Object.hasOwn(metrics, text);

/** Trailing windows are only known by day. */
export const isTrailing = (metric: Metric): boolean => metric === "wau" || metric === "mau";
