import { readFileSync } from "node:fs";
import { type Page } from "playwright-core";
import { expect, test } from "vitest";
import { api, open, ownServer, send, settled, shot } from "./app";
import { axe } from "./axe";

type Row = { bucket: string } & Record<string, number>;

const users = (page: Page) => page.locator("[data-users]");
const bars = (page: Page) => page.getByRole("list", { name: "Active users by minute" }).getByRole("listitem");

/** The window's figures by the API: the present minute and the 29 before it. */
async function windowOf(address: string, grain: string, metrics: string): Promise<Row[]> {
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  const text = (ms: number) => new Date(ms).toISOString().replace(".000", "");
  return (await api<{ rows: Row[] }>(`api/v1/query?grain=${grain}&metrics=${metrics}&fill=zero&from=${text(minute - 29 * 60_000)}&to=${text(minute + 60_000)}`, address)).rows;
}

/** Waits for a minute that does not end within a test: the page and the API would be asked about two. */
const minuteWithTime = () => expect.poll(() => new Date().getSeconds(), { timeout: 20_000, interval: 200 }).toBeLessThan(48);

/** A server of its own with traffic of the last minutes. */
async function busy() {
  const server = await ownServer();
  await minuteWithTime();
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  await send([
    ...Array.from({ length: 40 }, (_, i) => ({ user_id: `user ${i % 25}`, time: ago(i % 20), country: i % 2 ? "KR" : "DE", device: "mobile" })),
    { user_id: "only", time: ago(3), country: "<b>&amp;</b>" },
  ], server.address);
  await expect.poll(async () => (await windowOf(server.address, "total", "events"))[0]?.events).toBeGreaterThanOrEqual(41);
  return server;
}

test("figures are those of the API, and move with the events", async () => {
  const server = await busy();
  const page = await open("/realtime", { address: server.address });
  await expect.poll(async () => users(page).textContent()).toBe(String((await windowOf(server.address, "total", "active_users"))[0]?.active_users));
  expect(await bars(page).count()).toBe(30);
  const rows = await windowOf(server.address, "minute", "active_users");
  const names = await bars(page).evaluateAll((all) => all.map((bar) => bar.getAttribute("aria-label") ?? ""));
  expect(names.map((name) => Number(/: (\d+) active/.exec(name)?.[1]))).toEqual(rows.map((r) => r.active_users));
  expect(names.filter((name) => name.endsWith("so far"))).toEqual([names.at(-1)]);

  const before = Number(await users(page).textContent());
  await users(page).evaluate((node) => node.setAttribute("data-kept", ""));
  await send([{ user_id: "one who is new" }], server.address);
  await expect.poll(() => users(page).textContent(), { timeout: 10_000 }).toBe(String(before + 1));
  expect(await users(page).getAttribute("data-kept")).toBe("");
});

test("values of each dimension are those of the API", async () => {
  const server = await busy();
  const page = await open("/realtime", { address: server.address });
  const rows = await windowOf(server.address, "total", "active_users&group_by=country&order=-active_users&limit=8");
  const shown = page.getByRole("region", { name: "By country" }).getByRole("listitem");
  await expect.poll(() => shown.locator(".num").allTextContents()).toEqual(rows.map((r) => String(r.active_users)));
});

test("when the server fails it says so, and recovers by itself", async () => {
  const server = await busy();
  let broken = true;
  const page = await open("/realtime", {
    address: server.address,
    allow: [/503/],
    before: (p) => p.route("**/api/v1/query*", (r) => (broken && r.request().url().includes("grain=total") ? r.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail":"The store is busy."}' }) : r.continue())),
  });
  await page.getByRole("alert").getByText("The store is busy.").first().waitFor();
  broken = false;
  await expect.poll(() => users(page).textContent(), { timeout: 10_000 }).not.toBe("–");
  expect(await users(page).textContent()).toBe(String((await windowOf(server.address, "total", "active_users"))[0]?.active_users));
  await expect.poll(() => page.getByRole("alert").count(), { timeout: 10_000 }).toBe(0);
});

test("bars are read by the pointer and by keys", async () => {
  const page = await open("/realtime", { address: (await busy()).address });
  await bars(page).nth(4).hover();
  await page.locator(".read-out").waitFor();
  await bars(page).last().focus();
  await page.keyboard.press("ArrowLeft");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(await bars(page).nth(28).getAttribute("aria-label"));
  await page.keyboard.press("Home");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(await bars(page).first().getAttribute("aria-label"));
});

test("values filter, and the link shows the same", async () => {
  const server = await busy();
  const page = await open("/realtime", { address: server.address });
  await page.getByRole("region", { name: "By country" }).getByRole("button", { name: "KR" }).click();
  await settled(page);
  expect(new URL(page.url()).search).toBe("?filter.country=KR");
  const filtered = await users(page).textContent();
  const again = await open("/realtime?filter.country=KR", { address: server.address });
  await expect.poll(() => users(again).textContent()).toBe(filtered);
  const hostile = await open(`/realtime?${new URLSearchParams({ "filter.country": "<b>&amp;</b>" })}`, { address: server.address });
  await expect.poll(() => users(hostile).textContent()).toBe("1");
  expect(await hostile.locator("#main b").count()).toBe(0);
});

test("without events it says so, and what to do", async () => {
  const page = await open("/realtime?filter.country=nowhere");
  await expect.poll(() => page.locator("main").textContent()).toContain("No events with these filters in the last 30 minutes");
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await settled(page);
  expect(new URL(page.url()).search).toBe("");
});

test("the minutes can be saved", async () => {
  const page = await open("/realtime", { address: (await busy()).address });
  for (const format of ["CSV", "PNG"]) {
    await page.getByRole("button", { name: "Export the minutes" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: format }).click()]);
    const content = readFileSync(await download.path()).toString("latin1");
    if (format === "CSV") expect(content.trim().split("\n")).toHaveLength(31);
    else expect(content.slice(1, 4)).toBe("PNG");
  }
});

test("it can be read by everyone", async () => {
  const server = await busy();
  for (const look of [{ dark: false, width: 1440 }, { dark: true, width: 1440 }, { dark: false, width: 375 }, { dark: true, width: 375 }]) {
    const page = await open("/realtime", { ...look, height: 900, address: server.address });
    await axe(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await shot(page, `realtime ${look.width} ${look.dark ? "dark" : "light"}`);
  }
});
