// Paths are relative: the app may be served below a path.

/** What the server said when it refused, or that it could not be reached. */
export class Problem extends Error {
  constructor(
    readonly status: number, // 0: no answer
    detail: string,
  ) {
    super(detail);
  }
}

/** Paths that are longer may not get through a proxy. */
const LONGEST_PATH = 6000;

/** Asks for JSON. Replies are revalidated by their ETag, which the browser keeps. It throws a Problem, or the signal's reason. */
export async function get<T>(path: string, signal?: AbortSignal, headers: Record<string, string> = {}): Promise<T> {
  const reply = await ask(path, signal, { Accept: "application/json", ...headers });
  return (await reply.json()) as T;
}

/** Asks for a text, such as CSV. It throws a Problem. */
export const text = async (path: string): Promise<string> => (await ask(path)).text();

async function ask(path: string, signal?: AbortSignal, headers: Record<string, string> = {}): Promise<Response> {
  let reply: Response;
  try {
    const [address, init] = requestOf(path);
    reply = await fetch(address, { ...init, signal: signal ?? null, cache: "no-cache", headers });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new Problem(0, "The server can't be reached.");
  }
  if (reply.ok) return reply;
  const body: unknown = await reply.json().catch(() => null);
  throw new Problem(reply.status, detailOf(body) ?? `The server answered ${reply.status}.`);
}

/** A query that is too long for a path is posted: the names are the same. */
export function requestOf(path: string): [string, RequestInit] {
  const [address = "", search = ""] = path.split("?");
  if (path.length <= LONGEST_PATH || address !== "api/v1/query") return [path, {}];
  return [address, { method: "POST", body: JSON.stringify(Object.fromEntries(new URLSearchParams(search))) }];
}

function detailOf(body: unknown): string | null {
  if (typeof body !== "object" || body === null || !("detail" in body)) return null;
  return typeof body.detail === "string" ? body.detail : null;
}
