// A pivot as a file: what is on screen, as cells and as a picture.
import { type Cell } from "../../export/csv";
import { type Table } from "../../export/tablelayout";
import { metrics } from "../../format/metric";
import { figure, type Formats } from "../../format/number";
import { spoken, titled } from "../../parts/filters/name";
import { heatOf, scaleOf } from "./heat";
import { type Pivot } from "./pivot";
import { scaledFigures } from "./readout";
import { TOTAL } from "./sheet";

/** All figures, as exact as they are. */
export const pivotCells = (p: Pivot): { head: string[]; rows: Cell[][] } => ({
  head: [`${p.subject.by} × ${p.subject.pivot}`, TOTAL, ...p.columns.map((c) => c.value)],
  rows: [[TOTAL, p.total, ...p.columnTotals], ...p.rows.map((row, r) => [row.value, p.rowTotals[r] ?? null, ...(p.cells[r] ?? [])])],
});

export function pivotPicture(p: Pivot, note: string, formats: Formats): Table {
  const { kind, label } = metrics[p.subject.metric];
  const scale = scaleOf(kind, scaledFigures(p));
  const text = (value: number | null | undefined) => ({ text: figure(formats, kind, value) });
  const cell = (value: number | null, rest: boolean) => ({ ...text(value), ...(rest ? { muted: true } : { heat: heatOf(scale, value) }) });
  return {
    title: `${label} by ${spoken(p.subject.by)} and ${spoken(p.subject.pivot)}`,
    note,
    columns: [`${titled(p.subject.by)} × ${spoken(p.subject.pivot)}`, "Total", ...p.columns.map((c) => c.value)].map((title, i) => ({ title, figures: i > 0 })),
    total: [{ text: "Total" }, text(p.total), ...p.columnTotals.map(text)],
    rows: p.rows.map((row, r) => [
      { text: row.value, muted: row.rest },
      text(p.rowTotals[r]),
      ...(p.cells[r] ?? []).map((value, c) => cell(value, row.rest || (p.columns[c]?.rest ?? false))),
    ]),
  };
}
