import { type BuildsState } from "../../api/builds";
import { get, type Problem } from "../../api/client";

const PACE_MS = 2000;

/** Reads which builds there are while the page is seen. To be made while a component is set up. */
export class BuildsWatch {
  state = $state.raw<BuildsState>();
  problem = $state.raw<Problem | null>(null);

  constructor() {
    $effect(() => {
      const abort = new AbortController();
      void this.#read(abort.signal);
      const timer = setInterval(() => document.hidden || void this.#read(abort.signal), PACE_MS);
      return () => {
        clearInterval(timer);
        abort.abort();
      };
    });
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      this.state = await get<BuildsState>("api/v1/builds", signal);
      this.problem = null;
    } catch (error) {
      if (!signal.aborted) this.problem = error as Problem;
    }
  }
}
