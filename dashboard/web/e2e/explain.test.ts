import { type Page } from "playwright-core";
import { expect, test } from "vitest";
import { type Explanation } from "../src/api/explain";
import { datesOf } from "../src/format/date";
import { formatsOf } from "../src/format/number";
import { didOf } from "../src/pages/explain/words";
import { addDays, wallClock } from "../src/state/day";
import { api, open, ownServer, send, settled, shot } from "./app";
import { axe } from "./axe";
import { HARD_NAMES, TIMEZONE } from "./seed";

const tongue = { formats: formatsOf("en-GB"), dates: datesOf("en-GB") };
const today = wallClock(Date.now(), TIMEZONE).day;
const day = addDays(today, -3);
const digits = (text: string) => Number(text.replace(/[^\d]/g, ""));
const main = (page: Page) => page.locator("main").textContent();
const answer = (page: Page) => page.locator(".answer").textContent();

test("the figures, steps, cells and hours are those of the API", async () => {
  const x = await api<Explanation>(`api/v1/explain?day=${day}&filter.device=mobile,desktop`);
  const page = await open(`/explain?day=${day}&filter.device=mobile,desktop`);
  expect(await answer(page)).toContain("has not changed since it was counted");
  const steps = await page.locator("ol li .did").allTextContents();
  expect(steps.length).toBe(x.steps.length);
  expect(steps[0]).toContain(didOf(x.steps[0]!, tongue).join(", "));
  const cells = await page.getByRole("region", { name: "Cells" }).locator("tbody tr").allTextContents();
  expect(cells.length).toBe(x.cells.length);
  for (const [i, cell] of x.cells.entries()) expect(cells[i]?.replace(/\s/g, "")).toContain(cell.values[0] + tongue.formats.count(cell.events));
  const hours = await page.getByRole("region", { name: "Ledger" }).locator("tbody tr td:nth-child(2)").allTextContents();
  expect(hours.map(digits)).toEqual(x.hours.map((h) => h.accepted));
  expect(await main(page)).toContain("the filters do not apply here");
  await axe(page);
  await shot(page, "explain filtered");
});

test("names are text, and what is beyond the first cells is one row", async () => {
  const page = await open(`/explain?day=${day}&filter.campaign_id!=x&filter.item!=x`);
  const x = await api<Explanation>(`api/v1/explain?day=${day}&filter.campaign_id!=x&filter.item!=x`);
  const rows = page.getByRole("region", { name: "Cells" }).locator("tbody tr");
  expect(await rows.count()).toBe(51);
  expect(await rows.last().textContent()).toContain(`${tongue.formats.count(x.rest?.cells ?? 0)} more`);
  const hard = await open(`/explain?day=${day}&filter.campaign_id=${encodeURIComponent(HARD_NAMES.c002!)}`);
  expect(await main(hard)).toContain(HARD_NAMES.c002);
  expect(await hard.locator("main img").count()).toBe(0);
});

test("a day of the overview leads to its explanation, and the days beside it are a key away", async () => {
  const page = await open("/?filter.device=mobile");
  await page.getByRole("button", { name: "Show as a table" }).click();
  const link = page.getByRole("link", { name: `Explain ${tongue.dates.day(day)}` });
  await link.focus();
  await page.keyboard.press("Enter");
  await settled(page);
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe(`/explain?filter.device=mobile&day=${day}`);
  await page.getByRole("button", { name: "The day before" }).click();
  await expect.poll(() => answer(page)).toContain(tongue.dates.day(addDays(day, -1)));
  await page.goBack();
  await expect.poll(() => answer(page)).toContain(tongue.dates.day(day));
  await page.getByLabel("Day", { exact: true }).fill(addDays(day, -5));
  await expect.poll(() => page.url()).toContain(`day=${addDays(day, -5)}`);
});

test("without a day it is yesterday, and today is not over", async () => {
  const page = await open("/explain");
  expect(await answer(page)).toContain(tongue.dates.day(addDays(wallClock(Date.now(), TIMEZONE).day, -1)));
  const now = await open(`/explain?day=${addDays(today, 1)}`);
  expect(await answer(now)).toMatch(/is not over|Nothing is counted/);
});

test("what comes late is told as it comes", async () => {
  const server = await ownServer();
  const old = addDays(today, -400);
  const page = await open(`/explain?day=${old}`, { address: server.address });
  expect(await answer(page)).toContain("Nothing is counted on");
  await send([{ user_id: "late", event_id: "1", time: `${old}T12:00:00+09:00` }, { user_id: "late", event_id: "1", time: `${old}T12:00:00+09:00` }], server.address);
  await expect.poll(() => page.locator("ol").textContent(), { timeout: 15_000 }).toContain("+1 event, +1 session, +1 bounce");
  await expect.poll(() => page.locator("ol").textContent(), { timeout: 15_000 }).toContain("1 duplicate dropped");
});

test("when the server fails it says so, and recovers by itself", async () => {
  let broken = true;
  const page = await open(`/explain?day=${day}`, {
    allow: [/503/],
    before: (p) => p.route("**/api/v1/explain*", (r) => (broken ? r.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail":"The store is busy."}' }) : r.continue())),
  });
  await page.getByText("The store is busy.").waitFor();
  await axe(page);
  broken = false;
  await page.locator(".answer").waitFor({ timeout: 15_000 });
});
