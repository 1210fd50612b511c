import { untrack } from "svelte";
import { get, type Problem } from "../api/client";
import { type Change } from "../api/stream";
import { live } from "./live.svelte";

/** The least time between two refreshes of one answer that changes bring about. */
const PACE_MS = 1000;
/** Between tries after a failure. */
const RETRY_MS = 3000;

/** Gets what a path names. It may ask for several things, where one answer is made of them. */
export type Fetcher<T> = (path: string, signal: AbortSignal) => Promise<T>;

/** An answer of the server that follows its path and the changes that concern it. What was shown stays until there is something newer. */
export class Answered<T> {
  /** The newest answer, perhaps to the path before. */
  data = $state.raw<T>();
  /** Why the newest try failed, or null. */
  problem = $state.raw<Problem | null>(null);
  /** Whether the data answer another path than the present one. */
  outdated = $state(false);
  /** The path that data answers. */
  path = $state.raw<string | null>(null);
}

/**
 * Asks for path whenever it changes, and again when a change concerns it. To be called while a component is set up; path
 * null asks nothing. Other answers may be made of T by the caller, with $derived.
 */
export function ask<T>(path: () => string | null, concerns: (change: Change) => boolean, fetcher: Fetcher<T> = get): Answered<T> {
  const answered = new Answered<T>();
  $effect(() => {
    const wanted = path();
    if (wanted === null) return;
    return untrack(() => pursue(answered, wanted, concerns, fetcher)); // what it reads of the answer is nothing to ask again for
  });
  return answered;
}

function pursue<T>(answered: Answered<T>, path: string, concerns: (change: Change) => boolean, fetcher: Fetcher<T>): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;
  let again = false;
  let askedAt = 0;

  const run = async () => {
    timer = undefined;
    asking = true;
    again = false;
    askedAt = Date.now();
    try {
      const data = await fetcher(path, abort.signal);
      if (abort.signal.aborted) return;
      Object.assign(answered, { data, path, problem: null, outdated: false });
    } catch (error) {
      if (abort.signal.aborted) return;
      answered.problem = error as Problem;
      again = true;
    } finally {
      asking = false;
    }
    if (again) later(answered.problem ? RETRY_MS : PACE_MS);
  };
  const later = (pace: number) => (timer ??= setTimeout(run, Math.max(0, askedAt + pace - Date.now())));

  answered.outdated = answered.path !== path;
  void run();
  const stop = live.watch((change) => {
    if (!concerns(change)) return;
    if (asking) again = true;
    else later(PACE_MS);
  });
  return () => {
    clearTimeout(timer);
    stop();
    abort.abort();
  };
}
