import { expect, test } from "vitest";
import { fit, layoutOf, type Table } from "./tablelayout";

const measure = (text: string) => [...text].length * 7;

const table: Table = {
  title: "Country",
  note: "1–7 Nov 2026",
  columns: [{ title: "Value", figures: false }, { title: "Users", figures: true }],
  total: [{ text: "All" }, { text: "12" }],
  rows: [[{ text: "KR" }, { text: "7", heat: 0.5 }], [{ text: "x".repeat(90) }, { text: "5" }]],
};

test("a text is cut only when it must be, and never in a sign", () => {
  expect(fit("abc", 21, measure)).toBe("abc");
  expect(fit("abcd", 21, measure)).toBe("ab…");
  expect(fit("🌱🌱🌱🌱", 21, measure)).toBe("🌱🌱…");
  expect(fit("abcd", 0, measure)).toBe("…");
});

test("cells stand in their columns, one line under the other", () => {
  const layout = layoutOf(table, measure);
  expect(layout.lines.map((l) => l.kind)).toEqual(["head", "total", "row", "row"]);
  const [first, second] = layout.columns;
  expect(second?.left).toBe((first?.left ?? 0) + (first?.width ?? 0));
  for (const line of layout.lines) {
    line.cells.forEach((cell, i) => {
      const column = layout.columns[i]!;
      const left = cell.right ? cell.x - measure(cell.text) : cell.x;
      expect(left).toBeGreaterThanOrEqual(column.left);
      expect(left + measure(cell.text)).toBeLessThanOrEqual(column.left + column.width);
    });
  }
  expect(layout.lines[2]?.cells[1]?.heat).toBe(0.5);
  expect(layout.lines[3]?.cells[0]?.text.endsWith("…")).toBe(true);
  expect(layout.lines.at(-1)!.top).toBeLessThan(layout.height);
  expect(second!.left + second!.width).toBeLessThanOrEqual(layout.width);
});

test("a table without rows has its head", () => {
  expect(layoutOf({ ...table, total: undefined, rows: [] } as unknown as Table, measure).lines.map((l) => l.kind)).toEqual(["head"]);
});
