import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { fontOf, token } from "../../export/png";
import { dates, formats } from "../../format";
import { type MetricKind } from "../../format/metric";
import { figure } from "../../format/number";
import { type Grain } from "../../state/grain";
import { type Area, xOf, yOf } from "./place";
import { type Point } from "./points";
import { marksOf } from "./scale";
import { ticksOf } from "./ticks";

/** What is drawn. */
export interface Look {
  points: Point[];
  grain: Grain;
  kind: MetricKind;
}

const TICK_WIDTH = 76;
const GHOST = [5, 4];
const OPEN = [3, 3];

const highestOf = ({ points, kind }: Look): number => marksOf(Math.max(0, ...points.map((p) => Math.max(p.value ?? 0, p.previous ?? 0))), kind).at(-1) ?? 1;

/** The lines: the period before, the whole buckets, and dashed the ways to and from those that are not. */
function linesOf(points: Point[]): uPlot.AlignedData {
  const whole = points.map((p) => (p.state === "whole" ? p.value : null));
  const dashed = points.map((p, i) => (p.state !== "whole" || isPart(points[i - 1]) || isPart(points[i + 1]) ? p.value : null));
  return [points.map((_, i) => i), points.map((p) => p.previous), whole, dashed];
}

const isPart = (p: Point | undefined): boolean => p !== undefined && p.state !== "whole";

/** A chart on a canvas. Its x is the number of the bucket, so that no calendar is needed to draw it. */
export class Plot {
  #look: Look;
  #plot: uPlot;
  #colours = coloursOf();

  constructor(target: HTMLElement, look: Look) {
    this.#look = look;
    this.#plot = new uPlot(this.#options(target), linesOf(look.points), target);
  }

  show(look: Look): void {
    this.#look = look;
    this.#plot.setData(linesOf(look.points));
  }

  /** Takes the size of the element around it. */
  resize(target: HTMLElement): void {
    this.#plot.setSize({ width: target.clientWidth, height: target.clientHeight });
  }

  /** Draws anew in the colours of the theme. */
  recolour(): void {
    this.#colours = coloursOf();
    this.#plot.redraw(false, true);
  }

  get area(): Area {
    const { left, top, width, height } = this.#plot.bbox;
    const ratio = uPlot.pxRatio;
    return { left: left / ratio, top: top / ratio, width: width / ratio, height: height / ratio, highest: highestOf(this.#look) };
  }

  get canvas(): HTMLCanvasElement {
    return this.#plot.ctx.canvas;
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #options(target: HTMLElement): uPlot.Options {
    const axis = { stroke: () => this.#colours.ink, font: fontOf(12), ticks: { show: false } };
    const last = () => Math.max(this.#look.points.length - 1, 0);
    const line = { points: { show: false }, width: 2 };
    return {
      width: target.clientWidth,
      height: target.clientHeight,
      padding: [10, 26, 0, 4],
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { time: false, range: () => (last() === 0 ? [-1, 1] : [0, last()]) },
        y: { range: () => [0, highestOf(this.#look)] },
      },
      axes: [
        { ...axis, size: 30, gap: 8, grid: { show: false }, splits: (u) => this.#ticks(u), values: (_, splits) => splits.map((i) => this.#tick(i)) },
        {
          ...axis, gap: 10, size: (u, labels) => widthOf(u, labels) + 12,
          grid: { stroke: () => this.#colours.grid, width: 1 },
          splits: () => marksOf(highestOf(this.#look), this.#look.kind),
          values: (_, splits) => splits.map((v) => figure(formats, this.#look.kind, v, true)),
        },
      ],
      series: [
        {},
        { ...line, stroke: () => this.#colours.ghost, width: 1.5, dash: GHOST },
        { ...line, stroke: () => this.#colours.line, fill: () => this.#colours.fill },
        { ...line, stroke: () => this.#colours.line, fill: () => this.#colours.fill, dash: OPEN },
      ],
      hooks: { draw: [(u) => this.#drawMarks(u)] },
    };
  }

  #ticks(u: uPlot): number[] {
    return ticksOf(this.#look.points.map((p) => p.bucket), this.#look.grain, Math.max(2, Math.floor(u.width / TICK_WIDTH)));
  }

  #tick(index: number): string {
    const point = this.#look.points[index];
    return point ? dates.tick(point.bucket, this.#look.grain) : "";
  }

  /** A hollow mark on the open bucket, and a full one on a bucket that no line reaches. */
  #drawMarks(u: uPlot): void {
    const { points } = this.#look;
    points.forEach((p, i) => {
      if (p.value === null) return;
      const alone = points[i - 1]?.value == null && points[i + 1]?.value == null;
      if (p.state === "open" || alone) this.#drawMark(u.ctx, p, i);
    });
  }

  #drawMark(pen: CanvasRenderingContext2D, point: Point, index: number): void {
    const { area } = this;
    const ratio = uPlot.pxRatio;
    pen.save();
    pen.setLineDash([]);
    pen.beginPath();
    pen.arc(xOf(area, index, this.#look.points.length) * ratio, yOf(area, point.value ?? 0) * ratio, 4 * ratio, 0, 2 * Math.PI);
    pen.fillStyle = point.state === "open" ? this.#colours.ground : this.#colours.line;
    pen.strokeStyle = this.#colours.line;
    pen.lineWidth = 2 * ratio;
    pen.fill();
    pen.stroke();
    pen.restore();
  }
}

const coloursOf = () => ({
  line: token("--series"), fill: token("--series-fill"), ghost: token("--ghost"), grid: token("--line"), ink: token("--ink-3"), ground: token("--surface"),
});

function widthOf(u: uPlot, labels: string[] | null): number {
  u.ctx.font = fontOf(12 * uPlot.pxRatio);
  return Math.max(20, ...(labels ?? []).map((label) => u.ctx.measureText(label).width / uPlot.pxRatio));
}
