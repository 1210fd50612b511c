import { fontOf, picture, token, write } from "./png";

/** A table as it is read: every cell is a text. */
export interface Table {
  head: string[];
  rows: string[][];
  texts: number; // so many columns at the left are texts, the others figures
}

const ROW = 28;
const TEXT_WIDE = 260;
const FIGURE_WIDE = 130;
/** The tallest picture a browser is sure to draw has about 300 rows; nobody looks at that many. */
const MOST = 100;

/** The picture of a table. */
export function tablePicture(title: string, note: string, table: Table): HTMLCanvasElement {
  const rows = table.rows.slice(0, MOST);
  const left = table.rows.length - rows.length;
  const wide = table.head.map((_, column) => (column < table.texts ? TEXT_WIDE : FIGURE_WIDE));
  const width = wide.reduce((a, b) => a + b, 0);
  return picture(title, left > 0 ? `${note} · the first ${MOST} of ${table.rows.length} rows` : note, {
    width: Math.max(width, 480),
    height: (rows.length + 1) * ROW,
    draw(pen) {
      drawRow(pen, table.head, table.texts, wide, 0, fontOf(12, 600), token("--ink-3"));
      rows.forEach((row, i) => drawRow(pen, row, table.texts, wide, (i + 1) * ROW, fontOf(13), token("--ink")));
    },
  });
}

function drawRow(pen: CanvasRenderingContext2D, row: string[], texts: number, wide: number[], top: number, font: string, colour: string): void {
  let x = 0;
  row.forEach((text, column) => {
    const width = wide[column] ?? 0;
    pen.textAlign = column < texts ? "left" : "right";
    write(pen, text, column < texts ? x : x + width, top + 18, font, colour, width - 16);
    x += width;
  });
  pen.fillStyle = token("--line");
  pen.fillRect(0, top + ROW - 1, x, 1);
}
