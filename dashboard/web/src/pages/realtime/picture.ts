import { fontOf, token, write } from "../../export/png";
import { dates, formats } from "../../format";
import { type Bar, isMarked } from "./window";

const AXIS = 24;

/** Draws the bars with their figures and every fifth minute. */
export function drawBars(pen: CanvasRenderingContext2D, bars: Bar[], width: number, height: number): void {
  const step = width / Math.max(1, bars.length);
  const room = height - AXIS - 16;
  bars.forEach((bar, i) => {
    const [x, high] = [i * step, bar.share * room];
    pen.globalAlpha = bar.open ? 0.45 : 1;
    pen.fillStyle = token("--series");
    pen.fillRect(x + step * 0.1, height - AXIS - high, step * 0.8, high);
    pen.globalAlpha = 1;
    pen.textAlign = "center";
    write(pen, formats.compact(bar.users), x + step / 2, height - AXIS - high - 4, fontOf(10), token("--ink-2"), step);
    if (isMarked(bar, i, bars.length)) write(pen, dates.tick(bar.minute, "minute"), x + step / 2, height - 6, fontOf(11), token("--ink-3"), step * 4);
  });
}
