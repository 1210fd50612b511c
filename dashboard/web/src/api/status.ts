/** The reply of GET /api/v1/status, as far as it is shown. */
export interface Status {
  version: string;
  at: string;
  started?: string;
  complete_through: string;
  roles: string[];
  dimensions: string[];
  timezone: string;
  accepted: number;
  duplicates: number;
  late: number;
  users: number;
  lag: number | null;
  quarantined_since_start: number;
  quarantine_lost: number;
  quarantine?: { total: number; reasons: { reason: string; count: number }[] };
  commits_since_start: number;
  snapshots_since_start: number;
  commit_retries: number;
  shards_fenced: number;
  last_commit_ms: number;
  log: { kind: string; segments: number; bytes: number; appends_since_start: number; syncs_since_start: number; sync_p99_ms: number; failed?: string };
  source?: Record<string, unknown>;
  shards: ShardStatus[];
  store: { name: string; chunks: number; bytes: number }[];
  cache: Record<string, unknown>;
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
