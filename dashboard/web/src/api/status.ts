/** The reply of GET /api/v1/status, as far as it is shown. */
export interface Status {
  version: string;
  at: string;
  started: string;
  complete_through: string;
  roles: string[];
  dimensions: string[];
  timezone: string;
  accepted: number;
  duplicates: number;
  late: number;
  users: number;
  lag: number | null;
  quarantine_lost: number;
  quarantine: { total: number; more: boolean; reasons: { reason: string; count: number }[] };
  commits_since_start: number;
  snapshots_since_start: number;
  commit_retries: number;
  shards_fenced: number;
  last_commit_ms: number;
  log: { kind: string; segments: number; bytes: number; appends_since_start: number; syncs_since_start: number; sync_p99_ms: number; failed?: string };
  source?: SourceStatus;
  archive?: ArchiveStatus;
  shards: ShardStatus[];
  store: { name: string; chunks: number; bytes: number }[];
  cache: CacheStatus;
  verify: VerifyStatus;
}

/** How far closed days are verified against the log. */
export interface VerifyStatus {
  background: boolean;
  running: boolean;
  verified_through: string | null;
  closed_days: number;
  verified_days: number;
  pending_days: number;
  differing_days: { day: string; differences: number; at: string }[]; // day "" is the log as a whole
  last_run?: string;
  last_run_ms: number;
  unverified?: string;
}

export interface ShardStatus {
  shard: number;
  owned: boolean;
  epoch: number;
  offset: number;
  snapshot: number;
  log_first: number;
  log_next: number;
  lag: number | null;
  accepted: number;
  duplicates: number;
  late: number;
  users: number;
  newest_event?: string;
}

export interface ArchiveStatus {
  dir: string;
  events: number;
  dropped: number;
  files: number;
  bytes: number;
  lag: number;
  failed?: string;
}

export interface SourceStatus {
  kind: string;
  direct: boolean; // its topic is the log
  messages: number;
  accepted: number;
  rejected: number;
  gaps: number;
  missed: number;
  lag?: number;
  retries: number;
}

export interface CacheStatus {
  kind: string;
  bytes: number;
  budget: number;
  entries: number;
  evicted: number;
  kinds: { kind: string; hits: number; misses: number }[];
  redis?: RedisStatus;
}

export interface RedisStatus {
  connected: boolean;
  breaker: "closed" | "open" | "half-open";
  hits: number;
  misses: number;
  timeouts: number;
  errors: number;
  dropped_puts: number;
}
