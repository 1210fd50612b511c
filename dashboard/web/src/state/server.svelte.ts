import { get, type Problem } from "../api/client";
import { type Status } from "../api/status";
import { type Day, wallClock } from "./day";
import { live } from "./live.svelte";
import { type Now } from "./range";

const RETRY_MS = 2000;

/** What the server is set up with. It is asked once. */
class Server {
  status = $state.raw<Status>();
  problem = $state.raw<Problem | null>(null);

  dimensions = $derived(this.status?.dimensions ?? []);
  timezone = $derived(this.status?.timezone ?? "UTC");
  now: Now = $derived({ instant: live.now, timezone: this.timezone });
  today: Day = $derived(wallClock(live.now, this.timezone).day);

  /** The day of the newest event when the page was opened, or null when there was none. */
  newest: Day | null = $derived.by(() => {
    const newest = this.status?.shards.map((s) => s.newest_event ?? "").sort().at(-1);
    return newest ? wallClock(Date.parse(newest), this.timezone).day : null;
  });

  async start(): Promise<void> {
    try {
      this.status = await get<Status>("api/v1/status");
      this.problem = null;
    } catch (error) {
      this.problem = error as Problem;
      setTimeout(() => void this.start(), RETRY_MS);
    }
  }
}

export const server = new Server();
