import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Download, type Page } from "playwright-core";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { ownServer, api, open, send, settled, shot } from "./app";
import { axe } from "./axe";
import { TIMEZONE } from "./seed";
import { Server } from "./server";

type Row = { bucket: string } & Record<string, number | null>;

const query = async (params: string): Promise<Row[]> => (await api<{ rows: Row[] }>(`api/v1/query?${params}`)).rows;
const addDays = (day: string, n: number) => new Date(Date.parse(day) + n * 86_400_000).toISOString().slice(0, 10);
const today = () => new Intl.DateTimeFormat("en-CA", { timeZone: TIMEZONE }).format(Date.now());
const digits = (n: number | null | undefined) => (n ?? 0).toLocaleString("en-GB");

const card = (page: Page, metric: string) => page.locator(`[data-metric="${metric}"]`);
const figure = (page: Page, metric: string) => card(page, metric).locator(".figure");
const chart = (page: Page) => page.getByRole("application");
const readOut = (page: Page) => page.locator(".read-out");
const search = (page: Page) => new URL(page.url()).searchParams;

/** A whole range that is over: 20 days up to five days ago. */
const closed = { from: addDays(today(), -25), to: addDays(today(), -5) };
const closedPath = `/?from=${closed.from}&to=${closed.to}`;

/** The x of a bucket, from the chart's left edge. */
async function xOf(page: Page, bucket: number): Promise<number> {
  const inside = page.locator(".cross");
  await chart(page).focus();
  await page.keyboard.press("Home");
  for (let i = 0; i < bucket; i++) await page.keyboard.press("ArrowRight");
  const [line, area] = [await inside.boundingBox(), await chart(page).boundingBox()];
  await page.keyboard.press("Escape");
  return (line?.x ?? 0) + 0.5 - (area?.x ?? 0);
}

/** The drawn chart, to tell whether it has changed. */
const drawn = (page: Page) => page.locator(".canvas canvas").evaluate((c) => (c as HTMLCanvasElement).toDataURL());

async function saved(page: Page, format: "CSV" | "PNG"): Promise<{ name: string; content: Buffer }> {
  await page.getByRole("button", { name: "Export the chart" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: format }).click()]) as [Download, void];
  return { name: download.suggestedFilename(), content: readFileSync(await download.path()) };
}

describe("cards", () => {
  test("show the figures of the API and their change", async () => {
    const page = await open(closedPath);
    const metrics = "active_users,new_users,sessions,events,avg_session_duration,bounce_rate";
    const [now] = await query(`grain=total&metrics=${metrics}&from=${closed.from}&to=${closed.to}`);
    const [before] = await query(`grain=total&metrics=${metrics}&from=${addDays(closed.from, -20)}&to=${closed.from}`);
    for (const metric of ["new_users", "sessions", "events"]) {
      await expect.poll(() => figure(page, metric).textContent()).toBe(digits(now?.[metric]));
      const change = (now?.[metric] as number) / (before?.[metric] as number) - 1;
      expect(await card(page, metric).locator(".change .change").textContent()).toContain(
        new Intl.NumberFormat("en-GB", { style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" }).format(change),
      );
    }
    expect(await figure(page, "bounce_rate").textContent()).toBe(`${((now?.bounce_rate ?? 0) * 100).toFixed(1)}%`);
    expect(await card(page, "active_users").locator(".note").textContent()).toContain(`${digits(now?.active_users)} in range`);
  });

  test("show windows of active users that end with the last day", async () => {
    const page = await open(closedPath);
    const last = addDays(closed.to, -1);
    const [day] = await query(`grain=day&metrics=active_users,wau,mau&from=${last}&to=${closed.to}`);
    for (const metric of ["active_users", "wau", "mau"]) expect(await figure(page, metric).textContent()).toBe(digits(day?.[metric]));
  });

  test("hold an open day against the same hours of the day before", async () => {
    const page = await open("/?range=today");
    const clock = new Intl.DateTimeFormat("en-GB", { timeZone: TIMEZONE, hour: "numeric", minute: "numeric", hourCycle: "h23" }).format(Date.now()).split(":").map(Number);
    const hour = Math.max(1, (clock[0] ?? 0) + ((clock[1] ?? 0) < 30 ? 0 : 1));
    const yesterday = Date.parse(`${addDays(today(), -1)}T00:00:00+09:00`);
    const [before] = await query(`grain=total&metrics=active_users&from=${new Date(yesterday).toISOString()}&to=${new Date(yesterday + hour * 3_600_000).toISOString()}&fill=zero`);
    expect(await card(page, "active_users").getAttribute("title")).toContain(`${digits(before?.active_users)} in previous period, up to the same hour`);
  });

  test("choose what the chart shows", async () => {
    const page = await open(closedPath);
    await card(page, "bounce_rate").click();
    expect(search(page).get("metric")).toBe("bounce_rate");
    expect(await card(page, "bounce_rate").getAttribute("aria-pressed")).toBe("true");
    await page.getByRole("heading", { name: "Bounce rate by day" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "Active users by day" }).waitFor();
  });

  test("ask for what has changed alone, and once", async () => {
    const page = await open(closedPath);
    const questions: string[] = [];
    page.on("request", (r) => r.url().includes("/api/v1/query") && questions.push(r.url()));
    await card(page, "sessions").click();
    await page.getByRole("heading", { name: "Sessions by day" }).waitFor();
    await settled(page);
    expect(questions).toEqual([expect.stringContaining("metrics=sessions")]);
  });
});

describe("the chart", () => {
  test("is read by mouse", async () => {
    const page = await open(`${closedPath}&metric=sessions`);
    const rows = await query(`grain=day&metrics=sessions&compare=previous_period&from=${closed.from}&to=${closed.to}`);
    const x = await xOf(page, 3);
    await chart(page).hover({ position: { x, y: 100 } });
    const text = await readOut(page).textContent();
    expect(text).toContain(digits(rows[3]?.sessions));
    expect(text).toContain(digits(rows[3]?.sessions_previous));
    await card(page, "sessions").hover();
    await readOut(page).waitFor({ state: "detached" });
  });

  test("is read aloud by keys", async () => {
    const page = await open(closedPath);
    const rows = await query(`grain=day&metrics=active_users&from=${closed.from}&to=${closed.to}`);
    await chart(page).focus();
    const spoken = page.locator(".chart [role=status]");
    for (const [key, index] of [["ArrowLeft", 19], ["ArrowLeft", 18], ["Home", 0], ["ArrowRight", 1], ["End", 19]] as const) {
      await page.keyboard.press(key);
      await expect.poll(() => spoken.textContent()).toContain(`, ${digits(rows[index]?.active_users)}`);
    }
    await page.keyboard.press("Escape");
    await readOut(page).waitFor({ state: "detached" });
  });

  test("zooms to what the mouse selects, and Back zooms out", async () => {
    const page = await open(closedPath);
    const [from, to] = [await xOf(page, 2), await xOf(page, 13)];
    const box = await chart(page).boundingBox();
    const y = (box?.y ?? 0) + 120;
    await page.mouse.move((box?.x ?? 0) + from, y);
    await page.mouse.down();
    await page.mouse.move((box?.x ?? 0) + to, y, { steps: 5 });
    await page.locator(".chosen").waitFor();
    await page.mouse.up();
    expect([search(page).get("from"), search(page).get("to")]).toEqual([addDays(closed.from, 2), addDays(closed.from, 14)]);
    await settled(page);
    await page.getByRole("button", { name: "Zoom out" }).waitFor();
    await page.goBack();
    expect(search(page).get("from")).toBe(closed.from);
    await page.getByRole("button", { name: "Zoom out" }).waitFor({ state: "detached" });
    await page.goForward();
    await page.getByRole("button", { name: "Zoom out" }).click();
    expect([search(page).get("from"), search(page).get("to")]).toEqual([closed.from, closed.to]);
  });

  test("zooms by keys, from days into hours", async () => {
    const page = await open(closedPath);
    await chart(page).focus();
    for (const key of ["Home", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Enter"]) await page.keyboard.press(key);
    expect([search(page).get("from"), search(page).get("to"), search(page).get("grain")]).toEqual([addDays(closed.from, 1), addDays(closed.from, 4), "hour"]);
    await settled(page);
    const hours = await query(`grain=hour&metrics=active_users&fill=zero&from=${addDays(closed.from, 1)}&to=${addDays(closed.from, 4)}`);
    await chart(page).focus();
    for (const key of ["Home", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Enter"]) await page.keyboard.press(key);
    expect([search(page).get("from"), search(page).get("to")]).toEqual([hours[1]?.bucket, hours[4]?.bucket]);
    await settled(page);
    expect(await page.locator(".body [role=alert]").count()).toBe(0);
  });

  test("is read by a finger, and zoomed by one that rests first", async () => {
    const page = await open(closedPath, { width: 375, height: 812, touch: true });
    await chart(page).scrollIntoViewIfNeeded();
    const box = await chart(page).boundingBox();
    const [x, y] = [(box?.x ?? 0) + 150, (box?.y ?? 0) + 120];
    await page.touchscreen.tap(x, y);
    await readOut(page).waitFor();
    const finger = await page.context().newCDPSession(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", at?: number) =>
      finger.send("Input.dispatchTouchEvent", { type, touchPoints: at === undefined ? [] : [{ x: at, y }] });
    const read = await readOut(page).textContent();
    await touch("touchStart", x);
    for (const step of [20, 40, 60]) await touch("touchMove", x + step);
    await expect.poll(() => readOut(page).textContent()).not.toBe(read);
    await touch("touchEnd");
    expect(search(page).get("from")).toBe(closed.from);
    await touch("touchStart", x);
    await page.locator(".chosen.begun").waitFor();
    for (const step of [30, 60, 120]) await touch("touchMove", x + step);
    await touch("touchEnd");
    await expect.poll(() => search(page).get("from")).not.toBe(closed.from);
  });

  test("a click selects nothing", async () => {
    const page = await open(`${closedPath}&grain=hour`);
    await chart(page).click({ position: { x: 300, y: 100 } });
    expect(search(page).get("from")).toBe(closed.from);
  });

  test("has every grain that can be had, and says why not", async () => {
    const page = await open("/?range=today");
    const grain = (name: string) => page.getByRole("group", { name: "Width of the buckets" }).getByRole("button", { name: new RegExp(`^${name}`) });
    for (const name of ["Minute", "Day", "Hour"]) {
      await grain(name).click();
      await page.getByRole("heading", { name: `Active users by ${name.toLowerCase()}` }).waitFor();
      expect(search(page).get("grain")).toBe(name.toLowerCase());
    }
    expect(await grain("Month").getAttribute("title")).toBe("Choose 28 days or more");
    await grain("Month").click({ force: true });
    expect(search(page).get("grain")).toBe("hour");
    await card(page, "mau").click();
    await page.getByRole("heading", { name: "Monthly active users by day" }).waitFor();
    expect(await grain("Hour").getAttribute("title")).toBe("This figure is known by day");
  });

  test.each(["week", "month"])("shows the whole range by %s, and what of a bucket it has", async (grain) => {
    const from = addDays(today(), -80);
    const page = await open(`/?from=${from}&to=${addDays(today(), 1)}&grain=${grain}`);
    const rows = await query(`grain=${grain}&metrics=active_users&from=${from}&to=${addDays(today(), 1)}`);
    await page.getByRole("button", { name: "Show as a table" }).click();
    const table = page.getByRole("table");
    expect(await table.locator("tbody tr").count()).toBe(rows.length);
    expect(await table.locator("tbody tr td:nth-child(2)").allTextContents()).toEqual(rows.toReversed().map((r) => digits(r.active_users)));
    await expect(table.locator("tbody tr").last().locator("th").textContent()).resolves.toContain(String(Number(from.slice(8))));
  });

  test("marks the bucket that is still open", async () => {
    const page = await open("/");
    await page.locator(".legend").getByText("so far").waitFor();
    await chart(page).focus();
    await page.keyboard.press("End");
    await readOut(page).getByText("so far").waitFor();
    await page.goto(`${inject("address")}${closedPath}`);
    await settled(page);
    expect(await page.locator(".legend").getByText("so far").count()).toBe(0);
  });

  test("draws the period before as a line of its own", async () => {
    const page = await open(closedPath);
    const compared = await drawn(page);
    await page.locator(".legend").getByText("Previous period").waitFor();
    await page.goto(`${inject("address")}${closedPath}&compare=none`);
    await settled(page);
    expect(await page.locator(".legend").getByText("Previous period").count()).toBe(0);
    expect(await drawn(page)).not.toBe(compared);
  });

  test("is drawn anew in the colours of the theme", async () => {
    const page = await open(closedPath);
    const light = await drawn(page);
    await page.getByRole("button", { name: /Colours:.*Light$/ }).click();
    await page.getByRole("button", { name: /Colours:.*Dark$/ }).click();
    await expect.poll(() => drawn(page)).not.toBe(light);
  });

  test("is exported as the API has it, and as a picture", async () => {
    const page = await open(`${closedPath}&metric=events`);
    const csv = await saved(page, "CSV");
    expect(csv.name).toBe(`rollcall-events-by-day-${closed.from}-to-${addDays(closed.to, -1)}.csv`);
    const reply = await fetch(`${inject("address")}/api/v1/query?grain=day&metrics=events&compare=previous_period&fill=zero&format=csv&from=${closed.from}&to=${closed.to}`);
    expect(csv.content.toString()).toBe(await reply.text());
    const png = await saved(page, "PNG");
    expect(png.name).toMatch(/\.png$/);
    expect(png.content.subarray(1, 4).toString()).toBe("PNG");
    const width = (await chart(page).boundingBox())?.width ?? 0;
    expect(png.content.readUInt32BE(16)).toBe((Math.floor(width) + 48) * 2);
  });

  test("the menu of exports obeys keys", async () => {
    const page = await open(closedPath);
    const button = page.getByRole("button", { name: "Export the chart" });
    await button.focus();
    await page.keyboard.press("Enter");
    const item = (name: string) => page.getByRole("menuitem", { name });
    const focused = (name: string) => item(name).evaluate((e) => e === document.activeElement);
    await expect.poll(() => focused("CSV")).toBe(true);
    await page.keyboard.press("ArrowDown");
    expect(await focused("PNG")).toBe(true);
    await page.keyboard.press("ArrowDown");
    expect(await focused("CSV")).toBe(true);
    await page.keyboard.press("Escape");
    await item("CSV").waitFor({ state: "detached" });
    expect(await button.evaluate((e) => e === document.activeElement)).toBe(true);
  });
});

describe("the top values of a dimension", () => {
  const list = (page: Page) => page.getByRole("region", { name: "By country" });

  test("are those of the API, and filter", async () => {
    const page = await open(closedPath);
    const rows = await query(`grain=total&metrics=active_users&group_by=country&order=-active_users&limit=8&from=${closed.from}&to=${closed.to}`);
    await list(page).scrollIntoViewIfNeeded();
    await expect.poll(() => list(page).getByRole("button").allInnerTexts()).toEqual(rows.map((r) => expect.stringMatching(new RegExp(`^${r.country}\\s+${digits(r.active_users)}$`))));
    await list(page).getByRole("button").first().click();
    expect(search(page).get("filter.country")).toBe(rows[0]?.country);
    await expect.poll(() => figure(page, "active_users").textContent()).not.toBe("");
    await expect.poll(() => list(page).getByRole("button").count()).toBe(1);
    await list(page).getByRole("button").first().click();
    expect(search(page).get("filter.country")).toBeNull();
  });

  test("lead to the breakdown", async () => {
    const page = await open(closedPath);
    await list(page).getByRole("link").click();
    expect(new URL(page.url()).pathname).toBe("/breakdown");
    expect(search(page).get("by")).toBe("country");
  });

  test("are shown as they are, whatever they are called", async () => {
    const page = await open("/?range=90d");
    const campaigns = page.getByRole("region", { name: "By campaign_id" });
    await campaigns.scrollIntoViewIfNeeded();
    await campaigns.getByRole("button", { name: "<img src=x onerror=alert(1)>" }).waitFor();
    await axe(page);
    await shot(page, "overview tops");
  });
});

test("new events change cards and chart without a reload or a flicker", async () => {
  const server = await ownServer();
  const page = await open("/?metric=events", { address: server.address });
  const before = await figure(page, "events").textContent();
  const line = await drawn(page);
  await page.evaluate(() => {
    const watched = window as unknown as { removed: number; reloaded: boolean };
    watched.removed = 0;
    const watch = new MutationObserver((changes) => (watched.removed += changes.flatMap((c) => [...c.removedNodes]).filter((n) => n instanceof Element).length));
    for (const part of document.querySelectorAll(".cards, .body")) watch.observe(part, { childList: true, subtree: true });
  });
  await send(Array.from({ length: 500 }, (_, i) => ({ user_id: `live-${i}`, event_id: `live-${i}-${Date.now()}` })), server.address);
  await expect.poll(() => figure(page, "events").textContent(), { timeout: 10_000 }).toBe(digits(Number(before?.replaceAll(",", "")) + 500));
  await expect.poll(() => drawn(page)).not.toBe(line);
  expect(await page.evaluate(() => (window as unknown as { removed: number }).removed), "elements taken away").toBe(0);
});

describe("without figures", () => {
  test("filters that leave nothing can be cleared", async () => {
    const page = await open(`${closedPath}&filter.country=Atlantis`);
    await page.getByText("No events with these filters").waitFor();
    await axe(page);
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await chart(page).waitFor();
  });

  test("an empty range leads to the newest data", async () => {
    const page = await open("/?from=2020-01-01&to=2020-02-01");
    await page.getByText("No events in this range").waitFor();
    await page.getByRole("button", { name: "See the newest data" }).click();
    await chart(page).waitFor();
    expect(search(page).get("to")).toBe(addDays(today(), 1));
  });

  test("an empty server waits for its first event", async () => {
    const data = mkdtempSync(join(tmpdir(), "rollcall-e2e-empty-"));
    const server = await Server.start({ binary: inject("binary"), data });
    onTestFinished(async () => {
      await server.kill();
      rmSync(data, { recursive: true, force: true });
    });
    const page = await open("/", { address: server.address });
    await page.getByText("No events yet").waitFor();
    await axe(page);
    await send([{ user_id: "first" }], server.address);
    await chart(page).waitFor();
    expect(await figure(page, "events").textContent()).toBe("1");
  });

  test("an error is told, and goes away by itself", async () => {
    let broken = true;
    const page = await open(closedPath, {
      allow: [/500/], settle: false,
      before: (p) => p.route("**/api/v1/query?**", (route) => (broken ? route.fulfill({ status: 500, json: { detail: "The disk is full." } }) : route.continue())),
    });
    await page.getByRole("alert").getByText("The disk is full.").waitFor();
    await axe(page);
    broken = false;
    await chart(page).waitFor();
    await expect.poll(() => page.getByRole("alert").count(), { timeout: 10_000 }).toBe(0);
  });
});

describe("looks", () => {
  test.each([
    ["desktop light", { width: 1440, height: 900 }],
    ["desktop dark", { width: 1440, height: 900, dark: true }],
    ["phone", { width: 375, height: 812 }],
    ["phone dark", { width: 375, height: 812, dark: true }],
    ["wall", { width: 2560, height: 1440 }],
  ])("%s is accessible and overflows nowhere", async (name, look) => {
    const page = await open("/", look);
    await chart(page).focus();
    await page.keyboard.press("Home");
    const box = await readOut(page).boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(look.width);
    await axe(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await shot(page, `overview ${name}`);
  });

  test("the table is accessible", async () => {
    const page = await open(closedPath);
    await page.getByRole("button", { name: "Show as a table" }).click();
    await page.getByRole("table").waitFor();
    await axe(page);
  });
});
