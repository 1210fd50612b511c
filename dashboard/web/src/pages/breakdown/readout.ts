// What is said of a cell of a pivot.
import { metrics } from "../../format/metric";
import { figure, type Formats } from "../../format/number";
import { type Pivot } from "./pivot";
import { type Place } from "../../parts/steps";

export interface ReadOut {
  row: string;
  column: string;
  figure: string; // with what it counts
  shares: string; // of the totals of its row and column; empty for rates
}

export function readOut(pivot: Pivot, at: Place, formats: Formats): ReadOut | null {
  const [row, column, value = null] = [pivot.rows[at.row], pivot.columns[at.column], pivot.cells[at.row]?.[at.column]];
  if (!row || !column) return null;
  const { label, kind } = metrics[pivot.subject.metric];
  const share = (total: number | null | undefined, of: string) => (kind === "count" && value !== null && total ? [`${formats.percent(value / total)} of ${of}`] : []);
  return {
    row: row.value,
    column: column.value,
    figure: `${label}: ${figure(formats, kind, value)}`,
    shares: [...share(pivot.rowTotals[at.row], row.value), ...share(pivot.columnTotals[at.column], column.value)].join(" · "),
  };
}

/** The figures that shades compare: those of values, for all others together would outshine them. */
export const scaledFigures = (pivot: Pivot): (number | null)[] =>
  pivot.cells.flatMap((cells, r) => (pivot.rows[r]?.rest ? [] : cells.filter((_, c) => !pivot.columns[c]?.rest)));
