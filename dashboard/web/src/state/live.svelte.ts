import { type Change, follow } from "../api/stream";
import { type Heard, livenessOf, silence } from "./liveness";

type Watcher = (change: Change) => void;

const TICK_MS = 1000;

/** The one connection to the stream of the whole app. */
class Live {
  #heard = $state.raw<Heard>(silence);
  #now = $state(Date.now());
  #watchers = new Set<Watcher>();
  #skew = 0; // what the server's clock is ahead of the browser's

  liveness = $derived(livenessOf(this.#heard, this.#now));

  /** The server's clock, in Unix ms; it moves once a second. */
  now = $derived(this.#now + this.#skew);

  start(): () => void {
    const stop = follow({
      opened: () => this.#hear({ connected: true, lostAt: null }),
      lost: () => this.#hear({ connected: false, lostAt: this.#heard.lostAt ?? Date.now() }),
      freshness: (freshness) => this.#hear({ connected: true, lostAt: null, freshness }),
      change: (change) => {
        this.#hear({ connected: true, lostAt: null, freshness: { at: change.at, complete_through: change.complete_through } });
        for (const watch of this.#watchers) watch(change);
      },
    });
    const timer = setInterval(() => (this.#now = Date.now()), TICK_MS);
    return () => {
      clearInterval(timer);
      stop();
    };
  }

  /** Calls back with each change until the returned function is called. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #hear(what: Partial<Heard>): void {
    const now = Date.now();
    this.#heard = { ...this.#heard, ...what, heardAt: what.connected ? now : this.#heard.heardAt };
    this.#now = now;
    if (what.freshness) this.#skew = Date.parse(what.freshness.at) - now;
  }
}

export const live = new Live();
