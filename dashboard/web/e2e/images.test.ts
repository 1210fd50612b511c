// The pictures of the documents: the demo, as a newcomer sees it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { open, shot } from "./app";
import { Server } from "./server";

let demo: Server;
let data: string;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "rollcall-e2e-demo-"));
  demo = await Server.start({ binary: inject("binary"), data: join(data, "demo"), command: "demo", flags: ["--no-open"] });
}, 180_000);

afterAll(async () => {
  await demo?.kill();
  rmSync(data, { recursive: true, force: true });
});

test.each([
  ["overview", "/?range=30d", { height: 1000 }],
  ["overview-dark", "/?range=90d&metric=sessions&compare=none", { height: 1000, dark: true }],
  ["overview-phone", "/?range=30d", { width: 390, height: 844 }],
  ["breakdown", "/breakdown?range=30d&by=campaign_id", {}],
  ["pivot", "/breakdown?range=30d&by=campaign_id&pivot=age_group&metric=bounce_rate", {}],
  ["retention", "/retention?range=90d&cohort=week", {}],
  ["realtime", "/realtime", {}],
  ["pipeline", "/pipeline", { height: 1000 }],
] as const)("%s", async (name, path, look) => {
  const page = await open(path, { ...look, address: demo.address });
  expect(await page.locator("#main .panel").count()).toBeGreaterThan(0);
  if (name === "pipeline") await expect.poll(() => page.getByTitle(/came into the figures/).locator(".value").textContent(), { timeout: 15_000 }).toMatch(/\/s$/);
  await page.mouse.move(2, 2);
  await shot(page, name);
});
