// The dashboard of the real binary in a real browser, for tests.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, onTestFinished } from "vitest";
import { Calm, collectFaults } from "./faults";
import { Server } from "./server";

export interface Look {
  width?: number; // CSS pixels; 1440
  height?: number; // 900
  dark?: boolean;
  touch?: boolean; // a screen for fingers
  reducedMotion?: boolean;
  locale?: string; // en-GB
  timezone?: string; // of the browser; UTC
  address?: string; // where the dashboard is, without a slash at the end; the server of all tests unless given
  allow?: RegExp[]; // faults that the test brings about: a refused connection is one
  before?: (page: Page) => Promise<unknown>; // to be done before the page is loaded, such as page.route
  settle?: boolean; // wait for the page's first answers; true
}

// A worker of vitest would outlive it, were vitest killed, and so would the browser and the servers.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));

let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env.ROLLCALL_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});

afterAll(() => browser?.close());

const calms = new WeakMap<Page, Calm>();

/** Opens a path of the dashboard. The test fails at its end if the page did what it must not: see collectFaults. */
export async function open(path = "/", look: Look = {}): Promise<Page> {
  const address = look.address ?? inject("address");
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1440, height: look.height ?? 900 },
    hasTouch: look.touch ?? false,
    colorScheme: look.dark ? "dark" : "light",
    reducedMotion: look.reducedMotion ? "reduce" : "no-preference",
    locale: look.locale ?? "en-GB",
    timezoneId: look.timezone ?? "UTC",
  });
  context.setDefaultTimeout(20_000);
  const faults = collectFaults(context, new URL(address).origin, look.allow ?? []);
  const page = await context.newPage();
  calms.set(page, new Calm(page));
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") await shot(page, `failed ${task.name}`).catch(() => {});
    await context.close();
    expect(faults, "faults of the page").toEqual([]);
  });
  await look.before?.(page);
  await page.goto(address + path);
  if (look.settle !== false) await settled(page);
  return page;
}

/** Waits until the page has the answers to all that it asked, and has drawn them. */
export async function settled(page: Page): Promise<void> {
  await page.locator("main h1").waitFor({ state: "attached" });
  await calms.get(page)?.reached();
}

/** Asks the server for JSON: api("api/v1/status"). */
export async function api<T>(path: string, address = inject("address")): Promise<T> {
  const reply = await fetch(`${address}/${path}`);
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
  return (await reply.json()) as T;
}

export interface Event {
  user_id: string;
  time?: string; // RFC 3339; now unless given
  [field: string]: unknown;
}

/** Sends events, which all must be accepted. They are durable then; figures have them within a moment. */
export async function send(events: Event[], address = inject("address")): Promise<void> {
  const time = new Date().toISOString();
  const reply = await fetch(`${address}/v1/events`, { method: "POST", body: JSON.stringify(events.map((e) => ({ time, ...e }))) });
  const said = await reply.text();
  expect(reply.status, said).toBe(202);
  expect(JSON.parse(said)).toMatchObject({ accepted: events.length });
}

/** A server of the test's own with the same history, which the test may kill, freeze and restart. */
export async function ownServer(...flags: string[]): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), "rollcall-e2e-own-"));
  cpSync(inject("history"), data, { recursive: true });
  const server = await Server.start({ binary: inject("binary"), data, flags });
  onTestFinished(async () => {
    await server.kill();
    rmSync(data, { recursive: true, force: true });
  });
  return server;
}

const images = process.env.ROLLCALL_IMAGES ? join(import.meta.dirname, "../../../docs/images") : join(import.meta.dirname, ".shots");

/** Writes what is in view as <name>.png into e2e/.shots, or into docs/images for make images. */
export async function shot(page: Page, name: string): Promise<void> {
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: join(images, `${name.replaceAll(/[^\w.-]+/g, "-")}.png`) });
}
