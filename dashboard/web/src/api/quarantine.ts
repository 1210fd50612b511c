import { get } from "./client";

/** The reply of GET /api/v1/quarantine. */
export interface Quarantined {
  total: number; // of the newest 100,000
  more: boolean; // there are older ones than those counted
  reasons: { reason: string; count: number; newest: string }[];
  letters: Letter[];
  next?: number;
}

/** A record that could not be accepted. */
export interface Letter {
  number: number;
  at: string;
  source: string;
  reason: string;
  detail: string;
  bytes: number;
  raw: string;
  encoding: "utf-8" | "base64";
  cut: boolean;
}

export function quarantined(reason: string | null, before: number | null, limit: number, key: string, signal?: AbortSignal): Promise<Quarantined> {
  const params = new URLSearchParams({ limit: String(limit) });
  if (reason !== null) params.set("reason", reason);
  if (before !== null) params.set("before", String(before));
  return get(`api/v1/quarantine?${params}`, signal, key ? { Authorization: `Bearer ${key}` } : {});
}
