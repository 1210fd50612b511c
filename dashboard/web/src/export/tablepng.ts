import { fontOf, picture, token } from "./png";
import { type Layout, layoutOf, type Line, LINE, type Table } from "./tablelayout";

/** The picture of a table, with its shades. A text that is too long for its column is cut. */
export function tablePng(table: Table): HTMLCanvasElement {
  const pen = document.createElement("canvas").getContext("2d");
  const layout = layoutOf(table, (text, bold) => {
    if (!pen) return 0;
    pen.font = fontOf(14, bold ? 600 : 400);
    return pen.measureText(text).width;
  });
  return picture(table.title, table.note, { ...layout, draw: (on) => layout.lines.forEach((line) => draw(on, line, layout)) });
}

function draw(pen: CanvasRenderingContext2D, line: Line, layout: Layout): void {
  pen.font = fontOf(14, line.kind === "row" ? 400 : 600);
  pen.textBaseline = "middle";
  line.cells.forEach((cell, i) => {
    const column = layout.columns[i];
    if (column && cell.heat) {
      pen.fillStyle = `rgb(${token("--heat")} / ${cell.heat})`;
      pen.fillRect(column.left, line.top, column.width, LINE);
    }
    pen.fillStyle = token(line.kind === "head" ? "--ink-2" : cell.muted ? "--ink-3" : "--ink");
    pen.textAlign = cell.right ? "right" : "left";
    pen.fillText(cell.text, cell.x, line.top + LINE / 2);
  });
  pen.fillStyle = token(line.kind === "head" ? "--line-strong" : "--line");
  pen.fillRect(0, line.top + LINE - 1, layout.width, 1);
}
