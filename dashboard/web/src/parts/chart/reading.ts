/** Where a reader is on a chart; all are indices of buckets. */
export interface Reading {
  at: number | null; // the bucket that is read
  anchor: number | null; // where the selection began; it ends at the read bucket
}

export const nothing: Reading = { at: null, anchor: null };

/** What a key does to a reading, or undefined when it does nothing. start is where reading begins. */
export function afterKey(key: string, shift: boolean, reading: Reading, count: number, start: number): Reading | undefined {
  if (key === "Escape") return reading.at === null ? undefined : reading.anchor === null ? nothing : { ...reading, anchor: null };
  const to = target(key, reading.at, count, start);
  if (to === undefined || count === 0) return undefined;
  return { at: to, anchor: shift ? (reading.anchor ?? reading.at ?? to) : null };
}

function target(key: string, at: number | null, count: number, start: number): number | undefined {
  const within = (n: number) => Math.min(Math.max(n, 0), count - 1);
  switch (key) {
    case "ArrowLeft":
      return within(at === null ? start : at - 1);
    case "ArrowRight":
      return within(at === null ? start : at + 1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
  }
  return undefined;
}

/** The first and last bucket of the selection, or null when there are not two. */
export function selectionOf({ at, anchor }: Reading): [number, number] | null {
  if (at === null || anchor === null || at === anchor) return null;
  return at < anchor ? [at, anchor] : [anchor, at];
}
