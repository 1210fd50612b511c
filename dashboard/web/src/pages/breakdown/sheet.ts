// A breakdown as a file: what is on screen, as cells and as a picture.
import { numberOf, type Row } from "../../api/query";
import { type Cell } from "../../export/csv";
import { type Table } from "../../export/tablelayout";
import { metrics } from "../../format/metric";
import { figure, type Formats, NONE } from "../../format/number";
import { type Column, columns } from "./order";
import { type Group } from "./questions";

/** What the row of all values is called. */
export const TOTAL = "(total)";

interface Shown {
  dimension: string;
  groups: Group[];
  total: Row | undefined;
}

const shareOf = (row: Row | undefined, total: Row | undefined): number | null => {
  const users = numberOf(total, "active_users");
  return users ? (numberOf(row, "active_users") ?? 0) / users : null;
};

const linesOf = (shown: Shown) => [{ name: TOTAL, row: shown.total }, ...shown.groups.map((g) => ({ name: g.value, row: g.row }))];

/** All figures, as exact as they are; the share is that of the active users. */
export function cellsOf(shown: Shown): { head: string[]; rows: Cell[][] } {
  const figures = (row: Row | undefined): Cell[] => [numberOf(row, columns[0]), shareOf(row, shown.total), ...columns.slice(1).map((c) => numberOf(row, c))];
  return {
    head: [shown.dimension, columns[0], "share", ...columns.slice(1)],
    rows: linesOf(shown).map((line) => [line.name, ...figures(line.row)]),
  };
}

export function pictureOf(shown: Shown, note: string, formats: Formats): Table {
  const text = (row: Row | undefined, column: Column) => figure(formats, metrics[column].kind, numberOf(row, column));
  const share = (row: Row | undefined) => {
    const fraction = shareOf(row, shown.total);
    return fraction === null ? NONE : formats.percent(fraction);
  };
  const [total, ...rows] = linesOf(shown).map(({ name, row }) =>
    [name, text(row, columns[0]), share(row), ...columns.slice(1).map((c) => text(row, c))].map((t) => ({ text: t })));
  const heads = [metrics[columns[0]].label, "Share", ...columns.slice(1).map((c) => metrics[c].label)];
  return {
    title: `By ${shown.dimension}`,
    note,
    columns: [{ title: shown.dimension, figures: false }, ...heads.map((title) => ({ title, figures: true }))],
    ...(total && { total }),
    rows,
  };
}
