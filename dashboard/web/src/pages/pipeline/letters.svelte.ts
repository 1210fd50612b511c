import { type Problem } from "../../api/client";
import { type Letter, type Quarantined, quarantined } from "../../api/quarantine";

const PAGE = 50;
const PACE_MS = 5000;
const KEY = "rollcall.key";

/** The quarantine as it is read page by page, newest first. To be made while a component is set up. */
export class Letters {
  reason = $state<string | null>(null);
  /** The API key, for servers that want one. It is kept until the tab is closed. */
  key = $state(sessionStorage.getItem(KEY) ?? "");
  counts = $state.raw<Quarantined>();
  letters = $state.raw<Letter[]>([]);
  next = $state<number>();
  problem = $state.raw<Problem | null>(null);
  #abort = new AbortController();

  constructor() {
    $effect(() => {
      void [this.reason, this.key];
      this.#abort = new AbortController();
      this.letters = [];
      this.next = undefined;
      void this.#read();
      const timer = setInterval(() => document.hidden || void this.#read(), PACE_MS);
      return () => {
        clearInterval(timer);
        this.#abort.abort();
      };
    });
  }

  use(key: string): void {
    sessionStorage.setItem(KEY, key);
    this.key = key;
  }

  more(): void {
    void this.#ask(this.next ?? null, (page) => {
      this.letters = [...this.letters, ...page.letters];
      this.next = page.next;
    });
  }

  /** Reads the first page again. What was read behind it stays. */
  async #read(): Promise<void> {
    await this.#ask(null, (page) => {
      this.counts = page;
      const last = page.letters.at(-1)?.number ?? 0;
      const behind = this.letters.filter((l) => l.number < last);
      if (behind.length === 0) this.next = page.next;
      this.letters = [...page.letters, ...behind];
    });
  }

  async #ask(before: number | null, take: (page: Quarantined) => void): Promise<void> {
    const { signal } = this.#abort;
    try {
      const page = await quarantined(this.reason, before, PAGE, this.key, signal);
      if (signal.aborted) return;
      take(page);
      this.problem = null;
    } catch (error) {
      if (!signal.aborted) this.problem = error as Problem;
    }
  }
}
