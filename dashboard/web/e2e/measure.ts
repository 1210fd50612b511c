// Measures what a reader feels, on a server that is given: node e2e/measure.ts http://127.0.0.1:8080
//   hover: the times between frames while the mouse moves over 90 days of hours
//   click: from the click to the frame in which the new chart is drawn, for a metric, a grain and a filter
import { chromium, type Page } from "playwright-core";

const address = process.argv[2] ?? "http://127.0.0.1:8080";
const ROUNDS = 20;

const percentile = (values: number[], p: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] ?? NaN;
const show = (what: string, values: number[]) =>
  console.log(`${what.padEnd(28)} median ${percentile(values, 0.5).toFixed(1)} ms, p95 ${percentile(values, 0.95).toFixed(1)} ms, max ${Math.max(...values).toFixed(1)} ms (${values.length})`);

async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${address}/${path}`);
  await page.getByRole("application").waitFor();
  await page.waitForLoadState("load");
}

/** Moves the mouse across the chart, as many events as the browser takes, and notes when frames come. */
async function hover(page: Page): Promise<void> {
  await open(page, "?range=90d&grain=hour");
  const box = await page.getByRole("application").boundingBox();
  if (!box) throw new Error("no chart");
  await page.evaluate(() => {
    const times: number[] = [];
    Object.assign(window, { times });
    const frame = (t: number) => (times.push(t), requestAnimationFrame(frame));
    requestAnimationFrame(frame);
  });
  for (let i = 0; i < 240; i++) await page.mouse.move(box.x + 60 + ((box.width - 120) * i) / 240, box.y + 100 + (i % 50));
  const times = await page.evaluate(() => (window as unknown as { times: number[] }).times);
  const deltas = times.slice(1).map((t, i) => t - (times[i] ?? 0));
  show("hover, between frames", deltas);
  console.log(`${"".padEnd(28)} ${deltas.filter((d) => d > 20).length} of ${deltas.length} frames later than 20 ms`);
}

/** From a click to the frame after the heading, or the path of the chart, has changed and the canvas is drawn. */
async function clicks(page: Page, what: string, path: string, targets: string[]): Promise<void> {
  await open(page, path);
  await page.waitForTimeout(500);
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    times.push(await page.evaluate(async (selector) => {
      const body = document.querySelector(".body");
      const canvas = document.querySelector<HTMLCanvasElement>(".canvas canvas");
      const target = document.querySelector<HTMLElement>(selector);
      if (!body || !canvas || !target) throw new Error(`no ${selector}`);
      const before = canvas.toDataURL();
      const begun = performance.now();
      target.click();
      const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
      while (body.getAttribute("aria-busy") !== "true") await frame();
      while (body.getAttribute("aria-busy") === "true") await frame();
      await frame();
      const took = performance.now() - begun;
      if (canvas.toDataURL() === before) throw new Error("the chart is the same");
      return took;
    }, targets[i % targets.length] as string));
  }
  show(what, times);
}

const browser = await chromium.launch({ executablePath: process.env.ROLLCALL_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
await hover(page);
await clicks(page, "click on a metric", "", ['[data-metric="sessions"]', '[data-metric="events"]']);
await clicks(page, "click on a metric, hours", "?range=90d&grain=hour", ['[data-metric="sessions"]', '[data-metric="events"]']);
await clicks(page, "click on a grain", "", [".grains button:nth-child(2)", ".grains button:nth-child(3)"]);
await browser.close();
