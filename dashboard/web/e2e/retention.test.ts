import { readFileSync } from "node:fs";
import { type Page } from "playwright-core";
import { expect, test } from "vitest";
import { formatsOf } from "../src/format/number";
import { averageOf, curveOf, type Retention, shareOf } from "../src/pages/retention/cohorts";
import { addDays } from "../src/state/day";
import { api, open, ownServer, send, settled, shot } from "./app";
import { axe } from "./axe";
import { TIMEZONE } from "./seed";

// Within the history, which ends now; open periods are among them.
const from = addDays(new Date().toISOString().slice(0, 10), -27);
const to = addDays(from, 14);

const grid = (page: Page) => page.getByRole("grid", { name: /^Retention/ });
const path = (cohort: string) => `api/v1/retention?cohort=${cohort}&from=${from}&to=${to}&periods=${cohort === "day" ? 30 : 26}`;
const url = `/retention?from=${from}&to=${to}`;

/** The cells of a cohort as they stand. */
const cellsOf = (page: Page, row: number) => grid(page).locator(`[data-row="${row}"]`).allTextContents();

test.each(["day", "week"])("the counts by %s are those of the API", async (cohort) => {
  const { rows } = await api<Retention>(path(cohort));
  const page = await open(`${url}&cohort=${cohort}`);
  await page.getByRole("button", { name: "Users", exact: true }).click();
  for (const [r, row] of rows.entries()) {
    const cells = await cellsOf(page, r);
    expect(cells.map((c) => Number(c.replace(/\D/g, "")))).toEqual(row.active);
  }
  await shot(page, `retention-${cohort}`);
});

test("percents are parts of the cohort, the average leaves out what is not over", async () => {
  const { rows } = await api<Retention>(path("day"));
  const formats = formatsOf("en-GB");
  const page = await open(url);
  for (const [r, row] of rows.entries()) {
    const shares = row.active.map((_, k) => formats.percent(shareOf(row, k) ?? 0) + (row.open && k === row.active.length - 1 ? " so far" : ""));
    expect(await cellsOf(page, r)).toEqual(shares);
  }
  const averages = await grid(page).getByRole("row", { name: "Average" }).getByRole("gridcell").allTextContents();
  expect(averages.slice(1)).toEqual(averages.slice(1).map((_, k) => { const a = averageOf(rows, k); return a === null ? "–" : formats.percent(a); }));
  const curve = curveOf(rows);
  expect(await page.locator(".curve b").allTextContents()).toEqual([formats.percent(curve[0] ?? 0), formats.percent(curve.at(-1) ?? 0)]);
});

test("what is pointed at is said with its counts", async () => {
  const { rows } = await api<Retention>(path("day"));
  const page = await open(url);
  await grid(page).locator('[data-row="0"][data-column="1"]').hover();
  await expect.poll(() => page.locator(".said").textContent()).toContain(`: ${formatsOf("en-GB").count(rows[0]?.active[1] ?? 0)} of ${formatsOf("en-GB").count(rows[0]?.users ?? 0)} new users`);
});

test("a long range shows its newest cohorts and says so; there is nothing to compare with", async () => {
  const page = await open(`/retention?from=${addDays(from, -40)}&to=${to}`);
  expect(await grid(page).locator('[data-column="0"]').count()).toBe(31);
  expect(await page.locator("main").textContent()).toContain("The newest cohorts of the range are shown");
  expect(await page.getByLabel("Compare with").count()).toBe(0);
});

test("filters apply, and without new users it says so", async () => {
  const { rows } = await api<Retention>(`${path("day")}&filter.device=mobile`);
  const page = await open(`${url}&filter.device=mobile`);
  await page.getByRole("button", { name: "Users", exact: true }).click();
  expect((await cellsOf(page, 0)).map((c) => Number(c.replace(/\D/g, "")))).toEqual(rows[0]?.active);
  const empty = await open(`${url}&filter.device=nothing`);
  await empty.getByText("No new users").waitFor();
  await axe(empty);
  await empty.getByRole("button", { name: "Clear the filters" }).click();
  await grid(empty).waitFor();
});

test("new users are counted as they come", async () => {
  const server = await ownServer();
  const today = new Intl.DateTimeFormat("en-CA", { timeZone: TIMEZONE }).format();
  const page = await open(`/retention?from=${addDays(today, -2)}&to=${addDays(today, 2)}`, { address: server.address });
  await page.getByRole("button", { name: "Users", exact: true }).click();
  const users = async () => (await api<Retention>(`api/v1/retention?from=${addDays(today, -2)}&to=${addDays(today, 2)}`, server.address)).rows.flatMap((r) => r.active);
  const shown = () => grid(page).locator("[data-column]").allTextContents().then((all) => all.map((c) => Number(c.replace(/\D/g, ""))));
  const before = await users();
  await send([{ user_id: "new today" }, { user_id: "another" }], server.address);
  await expect.poll(users, { timeout: 10_000 }).not.toEqual(before);
  await expect.poll(shown, { timeout: 10_000 }).toEqual(await users());
});

test("when the server fails it says so, and recovers by itself", async () => {
  let broken = true;
  const page = await open(url, {
    allow: [/503/],
    before: (p) => p.route("**/api/v1/retention*", (r) => (broken ? r.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail":"The store is busy."}' }) : r.continue())),
  });
  await page.getByRole("alert").getByText("The store is busy.").waitFor();
  broken = false;
  await grid(page).waitFor();
  await expect.poll(() => page.getByRole("alert").count()).toBe(0);
});

test("arrows lead from cell to cell, and stop where a row ends", async () => {
  const page = await open(url);
  await grid(page).locator('[data-row="0"][data-column="0"]').focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  expect(await page.locator(":focus").getAttribute("data-row")).toBe("1");
  await page.keyboard.press("End");
  const { rows } = await api<Retention>(path("day"));
  expect(await page.locator(":focus").getAttribute("data-column")).toBe(String((rows[1]?.active.length ?? 0) - 1));
});

test("the file is the API's, and there is a picture", async () => {
  const page = await open(url);
  await page.getByRole("button", { name: "Export the table" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "CSV" }).click()]);
  expect(readFileSync(await download.path(), "utf8")).toMatch(new RegExp(`^cohort,users,period,active,open\r?\n${from},`));
  await page.getByRole("button", { name: "Export the table" }).click();
  const [drawn] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "PNG" }).click()]);
  expect(readFileSync(await drawn.path()).toString("latin1").slice(1, 4)).toBe("PNG");
});

test.each([{ dark: true }, { width: 375, height: 812 }, { width: 375, height: 812, dark: true }, {}])("nothing for axe to find: %j", async (look) => {
  const page = await open(url, look);
  await settled(page);
  await axe(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  await shot(page, `retention-${JSON.stringify(look)}`);
});
