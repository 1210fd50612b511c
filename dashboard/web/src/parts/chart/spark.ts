/** Where the points of a sparkline lie, in a box of 100 by 100 whose y falls; null where there is no figure. */
export function placesOf(values: (number | null)[]): ([number, number] | null)[] {
  const highest = Math.max(0, ...values.map((v) => v ?? 0));
  const step = values.length > 1 ? 100 / (values.length - 1) : 0;
  return values.map((v, i) => (v === null ? null : [i * step, highest === 0 ? 100 : 100 - (v / highest) * 100]));
}

const round = (n: number): number => Math.round(n * 100) / 100;

/** The stretches of a line without a gap. */
function runsOf(places: ([number, number] | null)[]): [number, number][][] {
  const runs: [number, number][][] = [];
  let broken = true;
  for (const place of places) {
    if (place && broken) runs.push([place]);
    else if (place) runs.at(-1)?.push(place);
    broken = place === null;
  }
  return runs;
}

const pathOf = (run: [number, number][]): string => run.map(([x, y], i) => `${i === 0 ? "M" : "L"}${round(x)} ${round(y)}`).join("");

/** The path of the line, with a gap where there is no figure. */
export const lineOf = (places: ([number, number] | null)[]): string => runsOf(places).map(pathOf).join("");

/** The path of the area below the line, with the same gaps. */
export const areaOf = (places: ([number, number] | null)[]): string =>
  runsOf(places).map((run) => `${pathOf(run)}L${round(run.at(-1)?.[0] ?? 0)} 100L${round(run[0]?.[0] ?? 0)} 100Z`).join("");
