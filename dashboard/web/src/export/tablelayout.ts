// Where the cells of a table stand in its picture. Lengths are CSS pixels.

export interface Cell {
  text: string;
  heat?: number; // how strongly it is shaded, 0 to 1
  muted?: boolean;
}

export interface Table {
  title: string;
  note: string; // below the title: what span and filters the figures are of
  columns: { title: string; figures: boolean }[]; // figures stand to the right
  total?: Cell[]; // a row in bold above the others
  rows: Cell[][];
}

export interface Placed extends Cell {
  x: number; // of the text: its right end for figures, else its left
  right: boolean;
}

export interface Line {
  kind: "head" | "total" | "row";
  top: number;
  cells: Placed[];
}

export interface Layout {
  width: number;
  height: number;
  columns: { left: number; width: number }[];
  lines: Line[];
}

export type Measure = (text: string, bold: boolean) => number;

export const LINE = 28;
const NARROWEST = 480; // room for the title
const PADDING = 10;
const WIDEST = 340;

/** A text that is cut so that it fits a width; what is cut off is marked by an ellipsis. */
export function fit(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  const signs = [...text];
  let fits = 0;
  for (let cut = signs.length; fits < cut; ) {
    const middle = Math.ceil((fits + cut) / 2);
    if (measure(`${signs.slice(0, middle).join("")}…`) <= width) fits = middle;
    else cut = middle - 1;
  }
  return `${signs.slice(0, fits).join("").trimEnd()}…`;
}

export function layoutOf(table: Table, measure: Measure): Layout {
  const head = table.columns.map((c) => ({ text: c.title }));
  const total = table.total ? [{ kind: "total" as const, cells: table.total }] : [];
  const lines = [{ kind: "head" as const, cells: head }, ...total, ...table.rows.map((cells) => ({ kind: "row" as const, cells }))];
  const widest = (column: number) => Math.max(...lines.map((l) => measure(l.cells[column]?.text ?? "", l.kind !== "row")));
  const widths = table.columns.map((_, i) => Math.min(WIDEST, Math.ceil(widest(i))) + 2 * PADDING);
  const columns = widths.map((width, i) => ({ left: sum(widths.slice(0, i)), width }));
  return {
    width: Math.max(sum(widths), NARROWEST),
    height: lines.length * LINE,
    columns,
    lines: lines.map((line, n) => ({
      kind: line.kind,
      top: n * LINE,
      cells: columns.map((column, i) => place(line.cells[i] ?? { text: "" }, column, table.columns[i]?.figures ?? false, (t) => measure(t, line.kind !== "row"))),
    })),
  };
}

function place(cell: Cell, column: { left: number; width: number }, right: boolean, measure: (text: string) => number): Placed {
  const x = right ? column.left + column.width - PADDING : column.left + PADDING;
  return { ...cell, text: fit(cell.text, column.width - 2 * PADDING, measure), x, right };
}

const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
