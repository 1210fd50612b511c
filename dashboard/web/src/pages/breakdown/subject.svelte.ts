import { chosen } from "../../state/chosen.svelte";
import { previousSpan, type Span } from "../../state/range";
import { route } from "../../state/route.svelte";
import { server } from "../../state/server.svelte";
import { type Order, orderOf } from "./order";
import { type Subject } from "./questions";

/** What the view means for a breakdown. */
class Chosen {
  by: string = $derived(known(route.view.by) ?? server.dimensions[0] ?? "");
  /** The second dimension, or null. */
  pivot: string | null = $derived(known(route.view.pivot === this.by ? null : route.view.pivot));
  subject: Subject = $derived({ by: this.by, span: chosen.span, filters: route.view.filters });
  order: Order = $derived(orderOf(route.view.order, this.by));
  before: Span | null = $derived(previousSpan(chosen.span, route.view.compare, server.now));
}

const known = (dimension: string | null): string | null => (dimension !== null && server.dimensions.includes(dimension) ? dimension : null);

export const breakdown = new Chosen();
