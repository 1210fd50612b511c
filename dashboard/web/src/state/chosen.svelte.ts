import { addDays } from "./day";
import { type Grain, grainOf } from "./grain";
import { type Range, type Span, spanOf } from "./range";
import { route } from "./route.svelte";
import { server } from "./server.svelte";

/** The range when none was chosen: the last 30 days, or when they are empty the 30 up to the newest event. */
function standardRange(today: string, newest: string | null): Range {
  if (newest === null || newest > addDays(today, -30)) return { preset: "30d" };
  return { from: addDays(newest, -29), to: addDays(newest, 1) };
}

/** What the view means now. */
class Chosen {
  range: Range = $derived(route.view.range ?? standardRange(server.today, server.newest));
  span: Span = $derived(spanOf(this.range, server.today));
  grain: Grain = $derived(grainOf(route.view.grain, this.span, server.now));
  /** The range is not one of the present, for want of newer events. */
  past: boolean = $derived(route.view.range === null && !("preset" in this.range));
}

export const chosen = new Chosen();
