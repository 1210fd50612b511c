import { type Grain } from "../../state/grain";
import { type Range, type Span } from "../../state/range";
import { route } from "../../state/route.svelte";

interface Zoom {
  to: Span;
  back: { range: Range | null; grain: Grain | null };
}

/** The zooms since the page was loaded. The browser's own way back works without them. */
class Zooms {
  #all = $state.raw<Zoom[]>([]);

  #last = $derived(this.#all.findLast(({ to }) => {
    const { range } = route.view;
    return range !== null && !("preset" in range) && range.from === to.from && range.to === to.to;
  }));

  /** Whether the range of the moment was zoomed to. */
  zoomed = $derived(this.#last !== undefined);

  into(to: Span, grain: Grain): void {
    const { range, grain: before } = route.view;
    this.#all = [...this.#all, { to, back: { range, grain: before } }];
    route.go({ range: to, grain });
  }

  out(): void {
    if (this.#last) route.go(this.#last.back);
  }
}

export const zooms = new Zooms();
