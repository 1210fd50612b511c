import { parseSaved, put, type SavedView, without } from "./saved";

const KEY = "rollcall.views";

/** The views that the reader has saved, in this browser. */
class Saved {
  views = $state.raw<SavedView[]>(this.#kept());
  /** Why the newest change was not kept, or null. */
  problem = $state<string | null>(null);

  #kept(): SavedView[] {
    try {
      return parseSaved(localStorage.getItem(KEY));
    } catch {
      return [];
    }
  }

  /** Follows what other tabs save, until the returned function is called. */
  start(): () => void {
    const heard = (event: StorageEvent) => {
      if (event.key === KEY || event.key === null) this.views = this.#kept();
    };
    addEventListener("storage", heard);
    return () => removeEventListener("storage", heard);
  }

  save(view: SavedView): void {
    this.#keep(put(this.#kept(), view));
  }

  remove(name: string): void {
    this.#keep(without(this.#kept(), name));
  }

  /** Puts a deleted view back where it stood. */
  restore(view: SavedView, at: number): void {
    const views = without(this.#kept(), view.name);
    this.#keep([...views.slice(0, at), view, ...views.slice(at)]);
  }

  #keep(views: SavedView[]): void {
    try {
      localStorage.setItem(KEY, JSON.stringify(views));
      this.views = views;
      this.problem = null;
    } catch {
      this.problem = "This browser keeps nothing for this page, so the view was not saved.";
    }
  }
}

export const saved = new Saved();
