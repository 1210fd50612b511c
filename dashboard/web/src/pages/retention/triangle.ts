// The texts and shades of the triangle, on screen and in its picture.
import { type Table } from "../../export/tablelayout";
import { type Dates } from "../../format/date";
import { type Formats, NONE } from "../../format/number";
import { heatOf } from "../../parts/heat";
import { averageOf, type Cohort, isOpenAt, periodsOf, type Retention, shareOf } from "./cohorts";

export type Unit = "percent" | "count";

/** The greatest share of those that came back in a period that is over, which has the strongest shade. */
export const greatestOf = (rows: Cohort[]): number =>
  rows.reduce((most, r) => r.active.reduce((m, _, k) => (k === 0 || isOpenAt(r, k) ? m : Math.max(m, shareOf(r, k) ?? 0)), most), 0);

export const shadeOf = (share: number | null, greatest: number): number =>
  share === 0 ? 0 : heatOf({ kind: "rate", from: 0, to: greatest }, share);

export function cellText(row: Cohort, period: number, unit: Unit, formats: Formats): string {
  const active = row.active[period];
  if (active === undefined) return "";
  if (unit === "count") return formats.count(active);
  const share = shareOf(row, period);
  return share === null ? NONE : formats.percent(share);
}

export const averageText = (rows: Cohort[], period: number, formats: Formats): string => {
  const average = averageOf(rows, period);
  return average === null ? NONE : formats.percent(average);
};

/** What is said of one cell. */
export function saidOf(r: Retention, row: Cohort, period: number, formats: Formats, dates: Dates): string {
  const share = shareOf(row, period);
  const part = share === null ? "" : ` (${formats.percent(share)})`;
  const when = period === 0 ? `in their first ${r.cohort}` : `${period} ${r.cohort}${period === 1 ? "" : "s"} later`;
  const soFar = isOpenAt(row, period) ? ", so far" : "";
  return `${dates.bucket(row.cohort, r.cohort)}: ${formats.count(row.active[period] ?? 0)} of ${formats.count(row.users)} new users${part} active ${when}${soFar}`;
}

export function pictureOf(r: Retention, unit: Unit, note: string, formats: Formats, dates: Dates): Table {
  const periods = Array.from({ length: periodsOf(r.rows) }, (_, k) => k);
  const greatest = greatestOf(r.rows);
  return {
    title: `Retention by ${r.cohort}`,
    note: `${note}. * so far`,
    columns: [r.cohort === "day" ? "Day" : "Week", "New users", ...periods.map(String)].map((title, i) => ({ title, figures: i > 0 })),
    total: [{ text: "Average" }, { text: "" }, ...periods.map((k) => ({ text: averageText(r.rows, k, formats) }))],
    rows: r.rows.map((row) => [
      { text: dates.bucket(row.cohort, r.cohort) },
      { text: formats.count(row.users) },
      ...row.active.map((_, k) => ({ text: `${cellText(row, k, unit, formats)}${isOpenAt(row, k) ? "*" : ""}`, heat: shadeOf(shareOf(row, k), greatest) })),
    ]),
  };
}
