import { fit, HEADING, type Layout, layoutOf, LINE, MARGIN, type Table } from "./tablelayout";

/** The longest side of a canvas that all browsers draw, in its own pixels. */
const LONGEST = 16_384;

/** A picture of a table in the colours of the moment, twice as fine as the screen unless it would be too large. */
export async function tablePng(table: Table): Promise<Blob> {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("This browser can't draw pictures.");
  const ink = inks();
  const write = (bold: boolean, size = 14) => (pen.font = `${bold ? 600 : 400} ${size}px ${ink("--font")}`);
  const layout = layoutOf(table, (text, bold) => {
    write(bold);
    return pen.measureText(text).width;
  });
  const scale = Math.min(2, LONGEST / layout.width, LONGEST / layout.height);
  canvas.width = Math.floor(layout.width * scale);
  canvas.height = Math.floor(layout.height * scale);
  pen.scale(scale, scale);
  pen.textBaseline = "middle";
  pen.fillStyle = ink("--surface");
  pen.fillRect(0, 0, layout.width, layout.height);
  heading(pen, table, layout, ink, write);
  for (const line of layout.lines) draw(pen, line, layout, ink, write);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be made."))), "image/png"));
}

type Ink = (token: string) => string;

/** Looks up the tokens of the theme. */
function inks(): Ink {
  const style = getComputedStyle(document.documentElement);
  return (token) => style.getPropertyValue(token).trim();
}

function heading(pen: CanvasRenderingContext2D, table: Table, layout: Layout, ink: Ink, write: (bold: boolean, size?: number) => void): void {
  const room = layout.width - 2 * MARGIN;
  const measure = (text: string) => pen.measureText(text).width;
  write(true, 18);
  pen.fillStyle = ink("--ink");
  pen.fillText(fit(table.title, room, measure), MARGIN, MARGIN + 10);
  write(false);
  pen.fillStyle = ink("--ink-3");
  pen.fillText(fit(table.range, room, measure), MARGIN, MARGIN + HEADING - 24);
}

function draw(pen: CanvasRenderingContext2D, line: Layout["lines"][number], layout: Layout, ink: Ink, write: (bold: boolean) => void): void {
  write(line.kind !== "row");
  line.cells.forEach((cell, i) => {
    const column = layout.columns[i];
    if (column && cell.heat) {
      pen.fillStyle = `rgb(${ink("--heat")} / ${cell.heat})`;
      pen.fillRect(column.left, line.top, column.width, LINE);
    }
    pen.fillStyle = ink(line.kind === "head" ? "--ink-2" : cell.muted ? "--ink-3" : "--ink");
    pen.textAlign = cell.right ? "right" : "left";
    pen.fillText(cell.text, cell.x, line.top + LINE / 2);
  });
  pen.fillStyle = ink(line.kind === "head" ? "--line-strong" : "--line");
  pen.fillRect(MARGIN, line.top + LINE - 1, layout.columns.reduce((width, c) => width + c.width, 0), 1);
}
