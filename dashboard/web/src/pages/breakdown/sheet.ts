// A breakdown as a file: what is on screen, as cells and as a picture.
import { numberOf, type Row } from "../../api/query";
import { type Cell } from "../../export/csv";
import { type Table } from "../../export/tablelayout";
import { metrics } from "../../format/metric";
import { figure, type Formats } from "../../format/number";
import { spoken, titled } from "../../parts/filters/name";
import { type Filter } from "../../state/filter";
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

/** All figures, as exact as they are; the share is that of the active users. */
export function cellsOf(shown: Shown): { head: string[]; rows: Cell[][] } {
  const figures = (row: Row | undefined): Cell[] => [numberOf(row, columns[0]), shareOf(row, shown.total), ...columns.slice(1).map((c) => numberOf(row, c))];
  return {
    head: [shown.dimension, columns[0], "share", ...columns.slice(1)],
    rows: [[TOTAL, ...figures(shown.total)], ...shown.groups.map((g) => [g.value, ...figures(g.row)])],
  };
}

/** What the figures of a picture are of. */
export const noteOf = (span: string, filters: Filter[]): string =>
  [span, ...filters.map((f) => `${spoken(f.dimension)} ${f.not ? "is not" : "is"} ${f.values.join(", ")}`)].join(" · ");

/** The texts of the screen. */
export function pictureOf(shown: Shown, note: string, formats: Formats): Table {
  const text = (row: Row | undefined, column: Column) => figure(formats, metrics[column].kind, numberOf(row, column));
  const share = (row: Row | undefined) => figure(formats, "rate", shareOf(row, shown.total));
  const cells = (name: string, row: Row | undefined, muted = false) =>
    [name, text(row, columns[0]), share(row), ...columns.slice(1).map((c) => text(row, c))].map((t) => ({ text: t, muted }));
  const heads = [metrics[columns[0]].label, "Share", ...columns.slice(1).map((c) => metrics[c].label)];
  return {
    title: `By ${spoken(shown.dimension)}`,
    note,
    columns: [{ title: titled(shown.dimension), figures: false }, ...heads.map((title) => ({ title, figures: true }))],
    total: cells("Total", shown.total),
    rows: shown.groups.map((g) => cells(g.value, g.row, g.rest)),
  };
}
