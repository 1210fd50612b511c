// What a page must never do, whatever a test is about.
import { type BrowserContext, type Page } from "playwright-core";

/** Collects faults of all pages of a context: requests to elsewhere, errors, breaches of the policy, dialogs. */
export function collectFaults(context: BrowserContext, origin: string, allowed: RegExp[]): string[] {
  const faults: string[] = [];
  const note = (fault: string) => {
    if (!allowed.some((a) => a.test(fault))) faults.push(fault);
  };
  context.on("request", (r) => {
    const url = new URL(r.url());
    if (url.origin !== origin && url.protocol !== "data:") note(`request to elsewhere: ${r.url()}`); // blob: has the origin
  });
  context.on("console", (m) => {
    if (m.type() === "error") note(`console: ${m.text()} (${m.location().url})`);
  });
  context.on("weberror", (e) => note(`uncaught: ${e.error().stack ?? e.error().message}`));
  context.on("page", (page) => page.on("dialog", (d) => {
    note(`dialog: ${d.message()}`);
    void d.dismiss();
  }));
  return faults;
}

/** Waits until a page has no open question to the API and has drawn what it got. The stream stays open and is none. */
export class Calm {
  #open = new Set<unknown>();

  constructor(private readonly page: Page) {
    page.on("request", (r) => r.url().endsWith("/api/v1/stream") || this.#open.add(r));
    for (const over of ["requestfinished", "requestfailed"] as const) page.on(over as "requestfinished", (r) => this.#open.delete(r));
  }

  async reached(): Promise<void> {
    for (let still = 0; still < 3; still = this.#open.size === 0 ? still + 1 : 0) await this.#frame();
  }

  #frame(): Promise<void> {
    return this.page.evaluate(() => new Promise<void>((drawn) => requestAnimationFrame(() => setTimeout(drawn))));
  }
}
