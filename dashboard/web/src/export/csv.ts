// CSV as RFC 4180 has it, like that of the API.

export type Cell = string | number | null;

/** A text that a spreadsheet would take for a formula. Values come with the events, and those are anyone's. */
const FORMULA = /^[=+\-@\t\r]/;

function fieldOf(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Numbers stand with all their digits and a point, null as nothing. */
export const csvOf = (head: string[], rows: Cell[][]): string => [head, ...rows].map((row) => `${row.map(fieldOf).join(",")}\r\n`).join("");
