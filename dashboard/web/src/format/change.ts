/** The change against the figure before as a fraction of it, or null where there is none to speak of. */
export const changeOf = (now: number | null, before: number | null): number | null =>
  now === null || before === null || before === 0 ? null : (now - before) / before;
