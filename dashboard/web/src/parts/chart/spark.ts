/** Where the points of a sparkline lie, in a box of 100 by 100 whose y falls; null where there is no figure. */
export function placesOf(values: (number | null)[]): ([number, number] | null)[] {
  const highest = Math.max(0, ...values.map((v) => v ?? 0));
  const step = values.length > 1 ? 100 / (values.length - 1) : 0;
  return values.map((v, i) => (v === null ? null : [i * step, highest === 0 ? 100 : 100 - (v / highest) * 100]));
}

const round = (n: number): number => Math.round(n * 100) / 100;

/** The path of the line, with a gap where there is no figure. */
export function lineOf(places: ([number, number] | null)[]): string {
  let path = "";
  let pen = "M";
  for (const place of places) {
    if (place) path += `${pen}${round(place[0])} ${round(place[1])}`;
    pen = place ? "L" : "M";
  }
  return path;
}
