import { readFileSync } from "node:fs";
import { type Page } from "playwright-core";
import { expect, test } from "vitest";
import { type Retention } from "../src/pages/retention/cohorts";
import { addDays } from "../src/state/day";
import { api, open, settled, shot } from "./app";
import { axe } from "./axe";

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

test("the file is the API's", async () => {
  const page = await open(url);
  await page.getByRole("button", { name: "Export the table" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "CSV" }).click()]);
  expect(readFileSync(await download.path(), "utf8")).toMatch(new RegExp(`^cohort,users,period,active,open\r?\n${from},`));
});

test.each([{ dark: true }, { width: 375, height: 812 }, {}])("nothing for axe to find: %j", async (look) => {
  const page = await open(url, look);
  await settled(page);
  await axe(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  await shot(page, `retention-${JSON.stringify(look)}`);
});
