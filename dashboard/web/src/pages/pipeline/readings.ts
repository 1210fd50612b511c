import { type Status } from "../../api/status";

/** Readings of the status, oldest first. */
export interface Reading {
  at: number; // the server's clock, Unix ms
  status: Status;
}

/** Five minutes of a reading a second. */
const MOST = 300;

/** Adds a reading. One of a server that was started anew begins again: its counts do. */
export function withReading(readings: Reading[], status: Status): Reading[] {
  const at = Date.parse(status.at);
  const last = readings.at(-1);
  if (!last || last.status.started !== status.started || at <= last.at || status.accepted < last.status.accepted) return [{ at, status }];
  return [...readings.slice(1 - MOST), { at, status }];
}

type Count = (s: Status) => number;

/** How fast a count rises a second, over the last ms; null until it is known. */
export function rateOf(readings: Reading[], count: Count, over = 5000): number | null {
  const last = readings.at(-1);
  const first = readings.find((r) => last && r.at >= last.at - over);
  if (!first || !last || first === last) return null;
  return ((count(last.status) - count(first.status)) * 1000) / (last.at - first.at);
}

/** The rate between each reading and the next. */
export const ratesOf = (readings: Reading[], count: Count): number[] =>
  readings.slice(1).map((r, i) => ((count(r.status) - count(readings[i]!.status)) * 1000) / (r.at - readings[i]!.at));

/** Whether a shard has advanced over the last ms. Before there are readings of so long a time it is given credit. */
export function isMoving(readings: Reading[], shard: number, over = 10_000): boolean {
  const last = readings.at(-1);
  if (!last || last.at - readings[0]!.at < over) return true;
  const first = readings.find((r) => r.at >= last.at - over)!;
  const offset = (r: Reading) => r.status.shards.find((s) => s.shard === shard)?.offset ?? 0;
  return offset(last) > offset(first);
}

/** The part of look-ups that were answered from memory; null without any. */
export function hitRate(kinds: { hits: number; misses: number }[]): number | null {
  const hits = kinds.reduce((n, k) => n + k.hits, 0);
  const all = kinds.reduce((n, k) => n + k.hits + k.misses, 0);
  return all === 0 ? null : hits / all;
}
