// Real data: the purchases of 2,377 households over 2017. They are long past, which the dashboard has to cope with.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { api, open, settled, shot } from "./app";
import { axe } from "./axe";
import { Server } from "./server";

const events = join(import.meta.dirname, "../../../testdata/completejourney/events.ndjson.gz");
type Row = Record<string, string | number | null>;

let server: Server;
let data: string;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "rollcall-e2e-journey-"));
  const dimensions = ["--dimensions", "campaign_id,age_group"];
  execFileSync(inject("binary"), ["import", events, "--data", data, ...dimensions], { stdio: "ignore" });
  server = await Server.start({ binary: inject("binary"), data, flags: dimensions });
});

afterAll(async () => {
  await server?.kill();
  rmSync(data, { recursive: true, force: true });
});

const query = async (params: string): Promise<Row[]> => (await api<{ rows: Row[] }>(`api/v1/query?${params}`, server.address)).rows;
const digits = (n: unknown) => Number(n).toLocaleString("en-GB");

test("without a range the newest data are shown, and it is said so", async () => {
  const page = await open("/", { address: server.address });
  await expect.poll(() => page.locator("main").textContent()).toContain("No events in the last 30 days. These are the 30 days up to 1 Jan 2018");
  const [total] = await query("grain=total&metrics=sessions,events&from=2017-12-03&to=2018-01-02");
  for (const metric of ["sessions", "events"]) await expect.poll(() => page.locator(`[data-metric="${metric}"] .figure`).textContent()).toBe(digits(total?.[metric]));
  await axe(page);
  await shot(page, "journey");
  await page.locator("[data-metric=bounce_rate]").click();
  await settled(page);
  await shot(page, "journey bounce rate");
});

test("the figures of a year are those of the API", async () => {
  const page = await open("/breakdown?from=2017-01-01&to=2018-01-01&by=age_group&order=-sessions&compare=none", { address: server.address });
  const rows = await query("grain=total&metrics=sessions,active_users&from=2017-01-01&to=2018-01-01&group_by=age_group&order=-sessions");
  const shown = page.getByRole("table").locator("tbody tr").filter({ has: page.getByRole("link") });
  await expect.poll(() => shown.count()).toBe(rows.length);
  for (const [i, row] of rows.entries()) {
    const text = (await shown.nth(i).textContent()) ?? "";
    for (const part of [String(row.age_group), digits(row.sessions), digits(row.active_users)]) expect(text).toContain(part);
  }
});

test("cohorts of the year come back", async () => {
  const page = await open("/retention?from=2017-01-01&to=2017-03-01&cohort=week", { address: server.address });
  const { rows } = await api<{ rows: { users: number }[] }>("api/v1/retention?cohort=week&from=2017-01-01&to=2017-03-01", server.address);
  await settled(page);
  const text = await page.locator("main table").textContent();
  for (const row of rows.filter((r) => r.users > 0)) expect(text).toContain(digits(row.users));
});
