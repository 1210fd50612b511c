/** The plotting area of a drawn chart, in CSS pixels of the chart, and the end of its y axis. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
  highest: number;
}

/** Where a bucket lies; the first is at the left edge and the last at the right one. */
export const xOf = (area: Area, index: number, count: number): number => area.left + (count < 2 ? 0.5 : index / (count - 1)) * area.width;

export const yOf = (area: Area, value: number): number => area.top + area.height * (1 - value / area.highest);

/** The bucket nearest to an x. */
export function bucketAt(area: Area, x: number, count: number): number {
  const index = count < 2 || area.width <= 0 ? 0 : Math.round(((x - area.left) / area.width) * (count - 1));
  return Math.min(Math.max(index, 0), Math.max(count - 1, 0));
}
