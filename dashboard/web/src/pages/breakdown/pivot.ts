// Two dimensions against each other. Each figure is counted by the server: users of a row are not the sum of its cells.
import { get } from "../../api/client";
import { type Answer, numberOf, pathOf, type Question, type Row } from "../../api/query";
import { metrics } from "../../format/metric";
import { type Column } from "./order";
import { type Group, groupsOf, only, type Subject, without } from "./questions";

/** What a pivot is of. */
export interface PivotSubject extends Subject {
  pivot: string;
  metric: Column;
  top: number; // rows
}

/** Beside the column of all others. */
export const MOST_COLUMNS = 12;
export const MOST_ROWS = 100;

export interface Pivot {
  subject: PivotSubject;
  rows: Group[];
  columns: Group[];
  cells: (number | null)[][]; // by row, then column
  rowTotals: (number | null)[];
  columnTotals: (number | null)[];
  total: number | null;
}

/** The most frequent values come first: rates and durations would bring forth those with hardly any events. */
const ranking = (metric: Column): Column => (metrics[metric].kind === "count" ? metric : "active_users");

const question = (s: PivotSubject): Question => ({ span: s.span, grain: "total", metrics: [s.metric], filters: s.filters });

const sideQuestion = (s: PivotSubject, dimension: string, limit: number): Question => ({
  ...question(s), metrics: [...new Set([s.metric, ranking(s.metric)])], groupBy: [dimension], order: `-${ranking(s.metric)}`, limit, rest: true,
});

/** The totals: of rows, of columns, and of all. */
export const totalQuestions = (s: PivotSubject): [Question, Question, Question] => [
  sideQuestion(s, s.by, s.top), sideQuestion(s, s.pivot, MOST_COLUMNS), question(s),
];

/** The cells between the values that have a row and a column, and beside them those of all others, where there are any. */
export function cellQuestions(s: PivotSubject, rows: Group[], columns: Group[]): Question[] {
  if (rows.length === 0 || columns.length === 0) return [];
  const parts = (groups: Group[]) => (groups.some((g) => g.rest) ? [false, true] : [false]);
  return parts(rows).flatMap((restRow) =>
    parts(columns).map((restColumn) => ({
      ...question(s),
      filters: side(side(s.filters, s.by, rows, restRow), s.pivot, columns, restColumn),
      groupBy: [...(restRow ? [] : [s.by]), ...(restColumn ? [] : [s.pivot])],
    })));
}

function side(filters: Subject["filters"], dimension: string, groups: Group[], rest: boolean): Subject["filters"] {
  const values = groups.filter((g) => !g.rest).map((g) => g.value);
  return (rest ? without : only)(filters, dimension, values);
}

/** Lays out the answers to cellQuestions. Where no row came back there was nothing: a count of 0, and no rate. */
export function pivotOf(s: PivotSubject, rows: Group[], columns: Group[], total: Row | undefined, answers: Row[][]): Pivot {
  const found = new Map<string, Row>();
  const keyOf = (row: Row, dimension: string) => (dimension in row ? `=${String(row[dimension])}` : "rest");
  for (const row of answers.flat()) found.set(JSON.stringify([keyOf(row, s.by), keyOf(row, s.pivot)]), row);
  const nothing = metrics[s.metric].kind === "count" ? 0 : null;
  const cell = (r: Group, c: Group) => {
    const row = found.get(JSON.stringify([r.key, c.key]));
    return row ? numberOf(row, s.metric) : nothing;
  };
  return {
    subject: s, rows, columns,
    cells: rows.map((r) => columns.map((c) => cell(r, c))),
    rowTotals: rows.map((r) => numberOf(r.row, s.metric)),
    columnTotals: columns.map((c) => numberOf(c.row, s.metric)),
    total: numberOf(total, s.metric),
  };
}

/** Asks for a pivot: the totals first, which tell what to ask about the cells. */
export async function askPivot(subject: PivotSubject, signal: AbortSignal): Promise<Pivot> {
  const all = (questions: Question[]) => Promise.all(questions.map(async (q) => (await get<Answer>(pathOf(q), signal)).rows));
  const [byRow = [], byColumn = [], total = []] = await all(totalQuestions(subject));
  const rows = groupsOf(byRow, subject.by, subject.top);
  const columns = groupsOf(byColumn, subject.pivot, MOST_COLUMNS);
  return pivotOf(subject, rows, columns, total[0], await all(cellQuestions(subject, rows, columns)));
}
