// Measures what a reader feels, on a server that is given: node e2e/measure.mjs http://127.0.0.1:8080
//   hover: the times between frames while the mouse moves over 90 days of hours
//   click: from the click to the frame after the new chart is drawn, for a metric, a grain and a filter
import { chromium } from "playwright-core";

const address = process.argv[2] ?? "http://127.0.0.1:8080";
const ROUNDS = 20;

const percentile = (values, p) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] ?? NaN;
const show = (what, values) =>
  console.log(`${what.padEnd(28)} median ${percentile(values, 0.5).toFixed(1)} ms, p95 ${percentile(values, 0.95).toFixed(1)} ms, max ${Math.max(...values).toFixed(1)} ms (${values.length})`);

async function open(page, path) {
  await page.goto(`${address}/${path}`);
  await page.getByRole("application").waitFor();
  await page.waitForLoadState("load");
}

/** Moves the mouse across the chart, as many events as the browser takes, and notes when frames come. */
async function hover(page) {
  await open(page, "?range=90d&grain=hour");
  const box = await page.getByRole("application").boundingBox();
  if (!box) throw new Error("no chart");
  await page.evaluate(() => {
    const times = [];
    Object.assign(window, { times });
    const frame = (t) => (times.push(t), requestAnimationFrame(frame));
    requestAnimationFrame(frame);
  });
  for (let i = 0; i < 240; i++) await page.mouse.move(box.x + 60 + ((box.width - 120) * i) / 240, box.y + 100 + (i % 50));
  const times = await page.evaluate(() => window.times);
  const deltas = times.slice(1).map((t, i) => t - (times[i] ?? 0));
  show("hover, between frames", deltas);
  console.log(`${"".padEnd(28)} ${deltas.filter((d) => d > 20).length} of ${deltas.length} frames later than 20 ms`);
}

/** Defines in the page: from an act until the frame after the chart has the answer to it. */
const inPage = () => {
  window.untilDrawn = async (act) => {
    const body = document.querySelector(".body");
    const answered = new Promise((resolve) => {
      const watch = new MutationObserver(() => body.getAttribute("aria-busy") === "false" && (watch.disconnect(), resolve()));
      watch.observe(body, { attributeFilter: ["aria-busy"] });
    });
    const begun = performance.now();
    act();
    await answered;
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
    return performance.now() - begun;
  };
};

/** From clicks, in turn on each of the targets, to the new chart. */
async function clicks(page, what, path, targets) {
  await open(page, path);
  await page.waitForTimeout(500);
  const times = [];
  for (let i = 0; i < ROUNDS; i++) times.push(await page.evaluate((target) => window.untilDrawn(() => document.querySelector(target).click()), targets[i % targets.length]));
  show(what, times);
}

/** From the moment in which the page is told of a step in the history. */
const turn = (step) => new Promise((resolve) => {
  addEventListener("popstate", () => resolve(window.untilDrawn(() => {})), { once: true, capture: true });
  history.go(step);
});

/** Back and forth in the history between the page with a path and without it. */
async function turns(page, what, path) {
  await open(page, path);
  await page.evaluate(() => window.untilDrawn(() => {
    history.pushState(null, "", "./");
    dispatchEvent(new PopStateEvent("popstate"));
  }));
  const times = [];
  for (let i = 0; i < ROUNDS; i++) times.push(await page.evaluate(turn, i % 2 === 0 ? -1 : 1));
  show(what, times);
}

const browser = await chromium.launch({ executablePath: process.env.ROLLCALL_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
await page.addInitScript(inPage);
await hover(page);
await clicks(page, "click on a metric", "", ['[data-metric="sessions"]', '[data-metric="events"]']);
await clicks(page, "click on a metric, hours", "?range=90d&grain=hour", ['[data-metric="sessions"]', '[data-metric="events"]']);
await clicks(page, "click on a grain", "", [".segments button:nth-child(2)", ".segments button:nth-child(3)"]);
const { dimensions } = await (await fetch(`${address}/api/v1/status`)).json();
const { values } = await (await fetch(`${address}/api/v1/dimensions/${dimensions[0]}?limit=2`)).json();
const [one, other] = values.map((v) => encodeURIComponent(v.value));
await turns(page, "a filter on and off", `?filter.${dimensions[0]}=${one}`);
await turns(page, "two values on and off", `?filter.${dimensions[0]}=${one},${other}`);
await turns(page, "90 days or 30", "?range=90d");
await browser.close();
