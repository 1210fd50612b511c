import { readFileSync } from "node:fs";
import { type Page } from "playwright-core";
import { expect, test } from "vitest";
import { type Quarantined } from "../src/api/quarantine";
import { type Status } from "../src/api/status";
import { api, open, ownServer, send, settled, shot } from "./app";
import { axe } from "./axe";

const digits = (n: number) => n.toLocaleString("en-GB");
const verdict = (page: Page) => page.locator("#verdict");
const quarantine = (page: Page) => page.getByRole("region", { name: /^Quarantine/ });
const records = (page: Page) => quarantine(page).locator("details");

/** Sends a body of lines that can't be accepted. */
async function reject(address: string, lines: string[], headers: Record<string, string> = {}): Promise<void> {
  const reply = await fetch(`${address}/v1/events`, { method: "POST", body: lines.join("\n"), headers });
  expect(reply.status).toBe(202);
  expect(((await reply.json()) as { accepted: number }).accepted).toBe(0);
}

async function saved(page: Page, of: string, format: "CSV" | "PNG"): Promise<Buffer> {
  await page.getByRole("button", { name: `Export ${of}` }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: format }).click()]);
  return readFileSync(await download.path());
}

test("figures are those of the status", async () => {
  const page = await open("/pipeline");
  const status = await api<Status>("api/v1/status");
  await expect.poll(() => verdict(page).textContent()).toMatch(/^All is well: .* behind, 0 waiting\.$/);
  const tiles = page.getByRole("region", { name: "Figures of the pipeline" });
  for (const count of [status.accepted, status.duplicates]) expect(await tiles.textContent()).toContain(digits(count));
  const rows = page.getByRole("region", { name: "Shards" }).getByRole("row");
  expect(await rows.count()).toBe(status.shards.length + 1);
  const [first] = status.shards;
  const cells = await rows.nth(1).getByRole("cell").allTextContents();
  expect(cells).toContain(digits(first!.offset));
  expect(cells).toContain(digits(first!.users));
  await shot(page, "pipeline");
});

test("figures move without a reload", async () => {
  const server = await ownServer();
  const page = await open("/pipeline", { address: server.address });
  const tile = page.getByRole("region", { name: "Figures of the pipeline" }).getByTitle(/came into the figures/);
  const before = (await api<Status>("api/v1/status", server.address)).accepted;
  await send(Array.from({ length: 50 }, (_, i) => ({ user_id: `moving ${i}` })), server.address);
  await expect.poll(() => tile.textContent(), { timeout: 10_000 }).toContain(`${digits(before + 50)} in all`);
  await expect.poll(() => tile.locator(".value").textContent(), { timeout: 10_000 }).toMatch(/^[1-9][\d,]*\/s$/);
});

test("what was rejected is shown as it came, by reason, and is text whatever it holds", async () => {
  const server = await ownServer();
  await reject(server.address, ['{"time":"<img src=x onerror=alert(1)>","user_id":"\u202e\u0000hostile"}', '{"time":"never"}', "not JSON \u001b[31m", ...Array.from({ length: 70 }, (_, i) => `{"user_id":"${i}"}`)]);
  await expect.poll(async () => (await api<Quarantined>("api/v1/quarantine?limit=0", server.address)).total).toBeGreaterThanOrEqual(73);
  const page = await open("/pipeline", { address: server.address });
  const { total, reasons } = await api<Quarantined>("api/v1/quarantine", server.address);
  await expect.poll(() => quarantine(page).getByRole("heading").textContent()).toBe(`Quarantine${digits(total)}`);
  for (const r of reasons) expect(await quarantine(page).getByRole("list", { name: "Reasons" }).textContent()).toContain(`${r.reason} ${digits(r.count)}`.replace(" ", ""));

  expect(await records(page).count()).toBe(50);
  await quarantine(page).getByRole("button", { name: "Older records" }).click();
  await expect.poll(() => records(page).count()).toBe(Math.min(total, 100));

  await quarantine(page).getByRole("button", { name: /^invalid_json/ }).click();
  const hostile = records(page).filter({ hasText: "onerror" });
  await expect.poll(() => hostile.count()).toBe(1);
  expect(await records(page).filter({ hasText: "missing_time" }).count()).toBe(0);
  await hostile.locator("summary").focus();
  await page.keyboard.press("Enter");
  const raw = await hostile.locator("pre").textContent();
  expect(raw).toContain("<img src=x onerror=alert(1)>");
  expect(raw).toContain("\\u202e");
  expect(await page.locator("#main img").count()).toBe(0);
  await axe(page);

  const csv = (await saved(page, "the records shown", "CSV")).toString();
  expect(csv).toMatch(/^number,at,source,reason,detail,bytes,encoding,raw\r\n/);
  expect((await saved(page, "the records shown", "PNG")).subarray(1, 4).toString()).toBe("PNG");
  expect((await saved(page, "the shards", "CSV")).toString().trim().split("\r\n")).toHaveLength(1 + (await api<Status>("api/v1/status", server.address)).shards.length);
});

test("a server with keys shows the records to those who have one", async () => {
  const server = await ownServer("--api-keys", "right-key");
  await reject(server.address, ["secret"], { "X-Api-Key": "right-key" });
  const page = await open("/pipeline", { address: server.address, allow: [/401/, /403/] });
  const field = quarantine(page).getByLabel("API key");
  await field.fill("wrong");
  await page.keyboard.press("Enter");
  await expect.poll(() => quarantine(page).textContent()).toContain("This key is not valid.");
  expect(await records(page).count()).toBe(0);
  await axe(page);
  await field.fill("right-key");
  await quarantine(page).getByRole("button", { name: "Show the records" }).click();
  await records(page).filter({ hasText: "invalid_json" }).first().waitFor();
  expect(page.url()).not.toContain("right-key");
  await page.reload();
  await records(page).first().waitFor();
});

test("builds are told with what they depend on, and a rebuild with how far it is", async () => {
  const server = await ownServer();
  const rebuild = async (body: object) => expect((await fetch(`${server.address}/api/v1/rebuild`, { method: "POST", body: JSON.stringify(body) })).status).toBe(202);
  const page = await open("/pipeline", { address: server.address });
  const builds = page.locator("section", { has: page.getByRole("heading", { name: "Builds of the figures" }) });
  const rows = async () => (await builds.getByRole("row").allTextContents()).slice(1);
  expect(await rows()).toEqual([expect.stringMatching(/^1 ?in use.*session_gap 30m/)]);

  await rebuild({ settings: { session_gap: "1h" }, since: "2026-11-01", rate: 10_000 });
  await expect.poll(() => builds.textContent(), { timeout: 15_000 }).toMatch(/Build 2 is being made: [1-9][\d,]* of [\d,]+ events, about .* left\./);
  expect(await builds.getByRole("progressbar").count()).toBe(1);
  await expect.poll(async () => (await rows())[0]).toMatch(/^2 ?being made.*–.*earlier session_gap 30m before 2026-11-01.*session_gap 1h/);
  await axe(page);
  await builds.scrollIntoViewIfNeeded();
  await shot(page, "pipeline rebuild");

  await fetch(`${server.address}/api/v1/rebuild`, { method: "DELETE" });
  await expect.poll(() => builds.textContent(), { timeout: 15_000 }).toContain("The last rebuild was cancelled");
  expect((await rows())[0]).toMatch(/^2 ?not finished/);
  await rebuild({ settings: { session_gap: "1h" }, since: "2026-11-01", rate: 10_000_000 });
  await expect.poll(() => builds.textContent(), { timeout: 30_000 }).toContain("build 2 took over.");
  await expect.poll(rows).toEqual([expect.stringMatching(/^2 ?in use/), expect.stringMatching(/^1 ?kept/)]);
});

test("a server that is gone is told first, and what was shown stays", async () => {
  const server = await ownServer();
  const page = await open("/pipeline", { address: server.address, allow: [/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_CONNECTION_RESET/] });
  await server.kill();
  await expect.poll(() => verdict(page).textContent(), { timeout: 15_000 }).toMatch(/^The server does not answer\./);
  expect(await page.getByRole("region", { name: "Shards" }).getByRole("row").count()).toBeGreaterThan(1);
  await server.restart();
  await expect.poll(() => verdict(page).textContent(), { timeout: 15_000 }).toMatch(/^All is well/);
});

test.each([{ dark: false, width: 1440 }, { dark: true, width: 1440 }, { dark: false, width: 375 }, { dark: true, width: 375 }, { dark: false, width: 2560 }])("it can be read by everyone: %j", async (look) => {
  const page = await open("/pipeline", { ...look, height: 900 });
  await settled(page);
  await records(page).first().locator("summary").click();
  await axe(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  await page.setViewportSize({ width: look.width, height: 2000 });
  await shot(page, `pipeline ${look.width} ${look.dark ? "dark" : "light"}`);
});
