// The server-sent stream of changes and freshness: GET /api/v1/stream.

/** Which buckets have changed; reset: anything may have. */
export interface Change {
  version: number;
  build: number;
  at: string;
  complete_through: string | null;
  days: string[];
  hours: string[];
  reset?: boolean;
}

export interface Freshness {
  at: string;
  complete_through: string | null;
}

export interface Listener {
  opened(): void;
  change(change: Change): void;
  freshness(freshness: Freshness): void;
  lost(): void;
}

const RETRY_MS = 2000;

/** Follows the stream until the returned function is called. The browser reconnects by itself; where it gives up, after an error of the server's, this does. */
export function follow(listener: Listener): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource("api/v1/stream");
    source.onopen = () => listener.opened();
    source.onerror = () => {
      listener.lost();
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
    };
    source.addEventListener("change", (e) => listener.change(JSON.parse(e.data)));
    source.addEventListener("freshness", (e) => listener.freshness(JSON.parse(e.data)));
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
