import { linkTo, parseView, type View } from "./view";

/** The view of the moment, which is that of the URL. */
class Route {
  view = $state.raw<View>(this.#read());

  #read(): View {
    return parseView(location.pathname, location.search);
  }

  start(): () => void {
    const back = () => (this.view = this.#read());
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }

  /** Goes to a changed view. It makes an entry of the history, unless the change is one in passing. */
  go(change: Partial<View>, replace = false): void {
    const view = { ...this.view, ...change };
    const link = linkTo(view);
    if (link === linkTo(this.view)) return;
    history[replace ? "replaceState" : "pushState"](null, "", link);
    if (view.page !== this.view.page) scrollTo(0, 0);
    this.view = view;
  }

  /** The link to a changed view, for an anchor. */
  link(change: Partial<View>): string {
    return linkTo({ ...this.view, ...change });
  }
}

export const route = new Route();
