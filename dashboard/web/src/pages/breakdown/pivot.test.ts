import { expect, test } from "vitest";
import { groupsOf } from "./questions";
import { cellQuestions, pivotOf, type PivotSubject, totalQuestions } from "./pivot";

const subject: PivotSubject = {
  by: "a", pivot: "b", metric: "active_users", top: 2, span: { from: "2026-11-01", to: "2026-11-08" },
  filters: [{ dimension: "a", not: true, values: ["z"] }, { dimension: "c", not: false, values: ["m"] }],
};
const side = (dimension: string, limit: number, ...values: string[]) => groupsOf(values.map((v, i) => ({ bucket: "total", [dimension]: v, active_users: 10 - i })), dimension, limit);
const rows = side("a", 2, "r1", "r2", "(everything else)");
const columns = side("b", 12, "c1", "c2");

test("the sides are ranked by the metric, or by users where it is a rate", () => {
  expect(totalQuestions(subject).map((q) => [q.metrics, q.order, q.limit])).toEqual([[["active_users"], "-active_users", 2], [["active_users"], "-active_users", 12], [["active_users"], undefined, undefined]]);
  expect(totalQuestions({ ...subject, metric: "bounce_rate" })[0]).toMatchObject({ metrics: ["bounce_rate", "active_users"], order: "-active_users" });
});

test("cells are asked for between the values, and beside them between the others", () => {
  const asked = cellQuestions(subject, rows, columns).map((q) => [q.groupBy, q.filters]);
  const c = { dimension: "c", not: false, values: ["m"] };
  const b = { dimension: "b", not: false, values: ["c1", "c2"] };
  expect(asked).toEqual([
    [["a", "b"], [{ dimension: "a", not: true, values: ["z"] }, c, { dimension: "a", not: false, values: ["r1", "r2"] }, b]],
    [["b"], [{ dimension: "a", not: true, values: ["z", "r1", "r2"] }, c, b]],
  ]);
  expect(cellQuestions(subject, rows, side("b", 1, "c1", "(everything else)"))).toHaveLength(4);
  expect(cellQuestions(subject, [], columns)).toEqual([]);
});

test("answers find their cells, and where there are none nothing happened", () => {
  const answers = [[{ bucket: "total", a: "r1", b: "c2", active_users: 4 }], [{ bucket: "total", b: "c1", active_users: 3 }]];
  const pivot = pivotOf(subject, rows, columns, { bucket: "total", active_users: 11 }, answers);
  expect(pivot.cells).toEqual([[0, 4], [0, 0], [3, 0]]);
  expect(pivot.rowTotals).toEqual([10, 9, 8]);
  expect(pivot.columnTotals).toEqual([10, 9]);
  expect(pivot.total).toBe(11);
  expect(pivotOf({ ...subject, metric: "bounce_rate" }, rows, columns, undefined, []).cells[0]).toEqual([null, null]);
});
