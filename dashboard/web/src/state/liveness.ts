import { type Freshness } from "../api/stream";

/** How the connection stands. */
export type Liveness =
  | { state: "connecting" }
  | { state: "live"; behindMs: number | null } // null: not known
  | { state: "stale"; behindMs: number } // connected, but the figures are old
  | { state: "gone"; sinceMs: number }; // not connected

/** What was heard last. Times are the browser's, in ms, but for those in freshness. */
export interface Heard {
  connected: boolean;
  lostAt: number | null;
  heardAt: number | null;
  freshness: Freshness | null;
}

export const silence: Heard = { connected: false, lostAt: null, heardAt: null, freshness: null };

/** Figures older than this are called stale. */
const STALE_MS = 10_000;
/** The server says something at least every 15 s. */
const SILENCE_MS = 25_000;

/**
 * While nothing is heard the figures are as fresh as when they were spoken of: a server that falls behind by more than a
 * second says so every second.
 */
export function livenessOf(heard: Heard, now: number): Liveness {
  if (!heard.connected) return heard.lostAt === null ? { state: "connecting" } : { state: "gone", sinceMs: now - heard.lostAt };
  if (heard.heardAt === null) return { state: "connecting" };
  const silent = now - heard.heardAt;
  if (silent > SILENCE_MS) return { state: "gone", sinceMs: silent };
  if (!heard.freshness?.complete_through) return { state: "live", behindMs: null };
  const behindMs = Math.max(0, Date.parse(heard.freshness.at) - Date.parse(heard.freshness.complete_through));
  return behindMs > STALE_MS ? { state: "stale", behindMs } : { state: "live", behindMs };
}
