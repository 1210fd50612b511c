import { get, type Problem } from "../../api/client";
import { type Status } from "../../api/status";
import { type Reading, withReading } from "./readings";

const PACE_MS = 1000;

/** Reads the status each second while the page is seen. To be made while a component is set up. */
export class Watch {
  readings = $state.raw<Reading[]>([]);
  problem = $state.raw<Problem | null>(null);
  status = $derived(this.readings.at(-1)?.status);

  constructor() {
    $effect(() => {
      const abort = new AbortController();
      void this.#run(abort.signal);
      return () => abort.abort();
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (; !signal.aborted; await pause(PACE_MS)) {
      if (document.hidden) continue;
      try {
        const status = await get<Status>("api/v1/status", signal);
        this.readings = withReading(this.readings, status);
        this.problem = null;
      } catch (error) {
        if (!signal.aborted) this.problem = error as Problem;
      }
    }
  }
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
