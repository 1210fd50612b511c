// What all pages have in common.
import { createServer, request } from "node:http";
import { type AddressInfo } from "node:net";
import { type Page } from "playwright-core";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { titles } from "../src/parts/titles";
import { type Page as Name, pages } from "../src/state/view";
import { open, ownServer, send, settled, shot } from "./app";
import { axe } from "./axe";

const pathOf = (name: Name) => (name === "overview" ? "/" : `/${name}`);
const badge = (page: Page) => page.locator("header .badge");
const isLive = (page: Page) => expect.poll(() => badge(page).getAttribute("class"), { timeout: 15_000 }).toMatch(/\blive\b/);
const heading = (page: Page) => page.getByRole("heading", { level: 1 }).textContent();
const gone = [/ERR_CONNECTION_REFUSED/, /ERR_CONNECTION_RESET/, /ERR_INCOMPLETE_CHUNKED/, /ERR_EMPTY_RESPONSE/];

describe.each(pages)("the page %s", (name) => {
  test.each([
    { width: 1440, dark: false }, { width: 1440, dark: true }, { width: 375, dark: false }, { width: 375, dark: true }, { width: 2560, dark: false },
  ])("is there for everyone: %j", async (look) => {
    const page = await open(pathOf(name), { ...look, height: look.width === 375 ? 812 : 900 });
    expect(await page.title()).toBe(`${titles[name]} · Rollcall`);
    expect(await heading(page)).toBe(titles[name]);
    expect(await page.getByRole("link", { name: titles[name], exact: true }).getAttribute("aria-current")).toBe("page");
    await isLive(page);
    await axe(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out").toBe(true);
    await shot(page, `${name} ${look.width}${look.dark ? " dark" : ""}`);
  });

  test("takes whatever stands in its link", async () => {
    const page = await open(`${pathOf(name)}?from=2026-13-45&to=x&range=nonsense&grain=eon&metric=__proto__&filter.nothing=&by=%00&pivot=../&order=--&top=1e9&cohort=no&%ff=1`, { allow: [/400/] });
    expect(await heading(page)).toBe(titles[name]);
    await isLive(page);
  });

  test("can be printed", async () => {
    const page = await open(pathOf(name), { dark: true });
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("header").isVisible()).toBe(false);
    expect(await page.locator("main").isVisible()).toBe(true);
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe("rgb(255, 255, 255)");
    expect(await page.locator(".panel").first().evaluate((panel) => getComputedStyle(panel).backgroundColor), "light, whatever is chosen").toBe("rgb(255, 255, 255)");
  });
});

test("pages are opened by keys, and Back returns", async () => {
  const page = await open("/");
  for (const name of pages.slice(1)) {
    await page.getByRole("link", { name: titles[name], exact: true }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => heading(page)).toBe(titles[name]);
    expect(new URL(page.url()).pathname).toBe(`/${name}`);
  }
  for (const name of [...pages].reverse().slice(1)) {
    await page.goBack();
    await expect.poll(() => heading(page)).toBe(titles[name]);
  }
  await page.goForward();
  await expect.poll(() => heading(page)).toBe(titles.breakdown);
  await settled(page);
});

test("what was chosen goes along to other pages", async () => {
  const page = await open("/?range=7d&filter.country=KR");
  await page.getByRole("link", { name: titles.retention, exact: true }).click();
  await settled(page);
  expect(page.url()).toMatch(/\/retention\?range=7d&filter\.country=KR$/);
});

test("the keyboard can skip what all pages have", async () => {
  const page = await open("/");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the figures");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.closest("main") !== null)).toBe(true);
});

test("the colours are chosen, and kept", async () => {
  const page = await open("/", { dark: true });
  const ground = () => page.evaluate(() => getComputedStyle(document.body.parentElement!).backgroundColor);
  const dark = await ground();
  await page.getByRole("button", { name: /^Colours/ }).click();
  const light = await ground();
  expect(light).not.toBe(dark);
  await page.reload();
  await settled(page);
  expect(await ground()).toBe(light);
  await page.getByRole("button", { name: /^Colours/ }).click();
  expect(await ground()).toBe(dark);
});

test("a server that dies is told, and its figures come back by themselves", async () => {
  const server = await ownServer();
  const page = await open("/", { address: server.address, allow: gone });
  await isLive(page);
  const events = page.locator('[data-metric="events"] .figure');
  const before = Number((await events.textContent())?.replaceAll(",", ""));
  await server.kill();
  await expect.poll(() => badge(page).textContent(), { timeout: 15_000 }).toMatch(/No connection for \d/);
  expect(await page.getByRole("status").filter({ hasText: "lost" }).count()).toBe(1);
  await server.restart();
  await send([{ user_id: "back again" }], server.address);
  await isLive(page);
  await expect.poll(() => events.textContent(), { timeout: 10_000 }).toBe((before + 1).toLocaleString("en-GB"));
});

test("a server that hangs is told, too", { timeout: 90_000 }, async () => {
  const server = await ownServer();
  const page = await open("/", { address: server.address, allow: gone });
  await isLive(page);
  server.freeze();
  await expect.poll(() => badge(page).textContent(), { timeout: 45_000 }).toMatch(/No connection for \d/);
  server.thaw();
  await isLive(page);
});

test("a page that is opened while its server is away waits for it", async () => {
  const server = await ownServer();
  const page = await open("/", {
    address: server.address, settle: false, allow: [...gone, /50[03]/], before: (page) => page.route("**/api/v1/status", (route) => route.fulfill({ status: 503, json: { detail: "starting" } })),
  });
  await page.getByText("No answer from the server").waitFor();
  await axe(page);
  await page.unroute("**/api/v1/status");
  await settled(page);
  await isLive(page);
});

test("it works below a path of another server", async () => {
  const target = new URL(inject("address"));
  const proxy = createServer((from, to) => {
    const path = from.url?.replace(/^\/stats/, "");
    if (path === from.url) return void to.writeHead(404).end();
    const on = request({ host: target.hostname, port: target.port, path, method: from.method, headers: from.headers }, (reply) => {
      to.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(to);
    });
    to.on("close", () => on.destroy());
    on.on("error", () => to.destroy());
    from.pipe(on);
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const page = await open("/stats/", { address });
  await isLive(page);
  await page.getByRole("link", { name: titles.breakdown, exact: true }).click();
  await settled(page);
  expect(new URL(page.url()).pathname).toBe("/stats/breakdown");
  await page.reload();
  await settled(page);
  expect(await heading(page)).toBe(titles.breakdown);
});
