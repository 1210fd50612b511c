// The breakdown: what it shows is what the API says, and every way to ask it otherwise.
import { readFileSync } from "node:fs";
import { type Locator, type Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { type Answer, type Row } from "../src/api/query";
import { metrics } from "../src/format/metric";
import { figure, formatsOf } from "../src/format/number";
import { titled } from "../src/parts/filters/name";
import { columns } from "../src/pages/breakdown/order";
import { joinValues } from "../src/state/filter";
import { addDays, wallClock } from "../src/state/day";
import { ownServer, api, open, send, settled, shot } from "./app";
import { axe } from "./axe";
import { HARD_NAMES, TIMEZONE } from "./seed";

const formats = formatsOf("en-GB");
const today = wallClock(Date.now(), TIMEZONE).day;
const span = { from: addDays(today, -28), to: addDays(today, -7) }; // which nothing changes any more
const REST = "(everything else)";

type Params = Record<string, string>;

const ask = async (params: Params): Promise<Row[]> =>
  (await api<Answer>(`api/v1/query?${new URLSearchParams({ ...span, grain: "total", metrics: columns.join(), ...params })}`)).rows;

const breakdown = (params: Params = {}) => `/breakdown?${new URLSearchParams({ ...span, ...params })}`;

const lines = (page: Page) => page.locator("tbody tr");
const table = (page: Page): Promise<string[][]> => lines(page).evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => (cell.textContent ?? "").replace(/\s+/g, " ").trim())));
const names = async (page: Page): Promise<string[]> => (await table(page)).slice(1).map((cells) => cells[0] ?? "");
const head = (page: Page, column: string): Locator => page.getByRole("columnheader", { name: column, exact: true });
const value = (page: Page, name: string): Locator => page.locator("tbody th").getByRole("link", { name, exact: true });

/** The texts of a row of the API. */
function texts(name: string, row: Row, total: Row | undefined): string[] {
  const [users = "", ...others] = columns.map((c) => figure(formats, metrics[c].kind, row[c] as number | null));
  return [name, users, formats.percent(Number(row.active_users) / Number(total?.active_users)), ...others];
}

describe("the table", () => {
  test.each(["campaign_id", "age_group", "country", "device", "item"])("of %s shows the figures of the API", async (by) => {
    const page = await open(breakdown({ by, compare: "none" }));
    const [total] = await ask({});
    const rows = await ask({ group_by: by, order: "-active_users", limit: "25", everything_else: "true" });
    expect(await table(page)).toEqual([texts("Total", total!, total), ...rows.map((row) => texts(String(row[by]), row, total))]);
    expect(await page.getByRole("navigation", { name: "Dimensions" }).locator("[aria-current]").textContent()).toBe(titled(by));
  });

  test("is ordered by each column, by the server", async () => {
    const page = await open(breakdown({ by: "item", top: "10", compare: "none" }));
    const expectOrder = async (order: string, sort: string, label: string) => {
      await settled(page);
      const rows = await ask({ group_by: "item", order, limit: "10", everything_else: "true" });
      expect(await names(page), order).toEqual(rows.map((r) => r.item));
      expect(await page.locator("[aria-sort]").evaluateAll((heads) => heads.map((h) => [h.textContent?.trim(), h.getAttribute("aria-sort")]))).toEqual([[label, sort]]);
    };
    for (const column of columns.toReversed()) {
      await head(page, metrics[column].label).getByRole("button").click();
      await expectOrder(`-${column}`, "descending", metrics[column].label);
      await head(page, metrics[column].label).getByRole("button").press("Enter");
      await expectOrder(column, "ascending", metrics[column].label);
    }
    await head(page, "Item").getByRole("button").click();
    await expectOrder("item", "ascending", "Item");
    expect(new URL(page.url()).searchParams.get("order")).toBe("item");
  });

  test("keeps to the number of rows, and a link shows the same", async () => {
    const page = await open(breakdown({ by: "item" }));
    await page.getByLabel("Rows").selectOption("100");
    await settled(page);
    expect(await names(page)).toHaveLength(101);
    const shown = await table(page);
    await page.reload();
    await settled(page);
    expect(await table(page)).toEqual(shown);
    await page.goBack();
    await settled(page);
    expect(await names(page)).toHaveLength(26);
  });

  test("ends with all others, counted anew", async () => {
    const page = await open(breakdown({ by: "item", top: "10", compare: "none" }));
    const shown = await names(page);
    expect(shown.at(-1)).toBe(REST);
    expect(await lines(page).last().getByRole("link").count() + await lines(page).last().getByRole("button").count()).toBe(0);
    const [rest] = await ask({ "filter.item!": joinValues(shown.slice(0, -1)) });
    const [total] = await ask({});
    expect((await table(page)).at(-1)).toEqual(texts(REST, rest!, total));
  });

  test.each(["previous_period", "previous_year"])("compares the ordered figure with the %s", async (compare) => {
    const page = await open(breakdown({ by: "device", order: "-sessions", compare }));
    const rows = await ask({ group_by: "device", order: "-sessions", compare, limit: "25" });
    const [total] = await ask({ compare });
    const changes = (await page.locator("tbody .before").allTextContents()).map((text) => text.trim());
    expect(changes).toEqual([total!, ...rows].map((r) => (r.sessions_change === null ? "" : formats.change(Number(r.sessions_change)))));
  });

  test("says so when there is nothing", async () => {
    const page = await open(breakdown({ by: "country", "filter.device": "no such device" }));
    await page.getByText("No events with these filters").waitFor();
    await axe(page);
  });
});

describe("the search", () => {
  test("finds values far beyond the rows that are shown", async () => {
    const page = await open(breakdown({ by: "item", compare: "none" }));
    await page.getByRole("searchbox").pressSequentially("ITEM 271");
    await settled(page);
    const { values } = await api<{ values: { value: string }[] }>("api/v1/dimensions/item?search=item+271&limit=100");
    const rows = await ask({ group_by: "item", order: "-active_users", "filter.item": joinValues(values.map((v) => v.value)) });
    const [total] = await ask({});
    expect(rows.length).toBeGreaterThan(3);
    expect(await table(page)).toEqual([texts("Total", total!, total), ...rows.map((r) => texts(String(r.item), r, total))]);
    await head(page, "Events").getByRole("button").click();
    await settled(page);
    expect(await names(page)).toEqual((await ask({ group_by: "item", order: "-events", "filter.item": joinValues(values.map((v) => v.value)) })).map((r) => r.item));
    await page.getByRole("searchbox").press("Escape");
    await settled(page);
    expect(await names(page)).toHaveLength(26);
  });

  test("says when more match than are shown", async () => {
    const page = await open(breakdown({ by: "item" }));
    await page.getByRole("searchbox").fill("item");
    await page.getByText("More values match").waitFor();
    expect((await names(page)).length).toBeLessThanOrEqual(100);
  });

  test.each(["<b>nothing</b>", "\\,%&#+?", "🌵"])("for %s finds nothing and shows what was searched", async (text) => {
    const page = await open(breakdown({ by: "item" }));
    await page.getByRole("searchbox").fill(text);
    await page.getByText(`Nothing for “${text}”`).waitFor();
    expect(await lines(page).count()).toBe(0);
    await axe(page);
  });

  test("keeps to the filters of the same dimension", async () => {
    const page = await open(`${breakdown({ by: "item" })}&filter.item=item+0,item+1,item+10&filter.item!=item+10`);
    await page.getByRole("searchbox").fill("item 1");
    await settled(page);
    expect(await names(page)).toEqual(["item 1"]);
    const out = await open(`${breakdown({ by: "item" })}&filter.item!=item+271`);
    await out.getByRole("searchbox").fill("item 271");
    await settled(out);
    expect(await names(out)).not.toContain("item 271");
  });
});

describe("a value", () => {
  const filters = (page: Page) => [...new URL(page.url()).searchParams].filter(([name]) => name.startsWith("filter."));

  test("is filtered by with a click, with Enter and in a new tab", async () => {
    const page = await open(breakdown({ by: "device", compare: "none" }));
    const before = await table(page);
    await value(page, "mobile").click();
    await settled(page);
    expect(filters(page)).toEqual([["filter.device", "mobile"]]);
    expect((await table(page)).slice(1).map((r) => r[1])).toEqual(before.filter((r) => r[0] === "mobile").map((r) => r[1]));
    await page.goBack();
    await settled(page);
    expect(await table(page)).toEqual(before);
    await value(page, "tablet").press("Enter");
    expect(filters(page)).toEqual([["filter.device", "tablet"]]);
    await page.goBack();
    await settled(page);
    const [tab] = await Promise.all([page.context().waitForEvent("page"), value(page, "mobile").click({ modifiers: ["Control"] })]);
    await lines(tab).nth(1).waitFor();
    expect(filters(tab)).toEqual([["filter.device", "mobile"]]);
    expect(filters(page)).toEqual([]);
  });

  test.each(["Shift", "Alt"] as const)("is taken out with %s and a click", async (key) => {
    const page = await open(breakdown({ by: "device", compare: "none" }));
    await value(page, "mobile").click({ modifiers: [key] });
    await settled(page);
    expect(filters(page)).toEqual([["filter.device!", "mobile"]]);
    expect(await names(page)).not.toContain("mobile");
    expect(page.context().pages()).toHaveLength(1);
  });

  test("is taken out by the keyboard, and the focus stays in the table", async () => {
    const page = await open(breakdown({ by: "device", compare: "none" }));
    await value(page, "mobile").focus();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Exclude mobile");
    await page.keyboard.press("Enter");
    await settled(page);
    expect(filters(page)).toEqual([["filter.device!", "mobile"]]);
    expect(await page.evaluate(() => document.activeElement?.closest("tbody") !== null)).toBe(true);
  });

  test("may be called anything", async () => {
    const page = await open(breakdown({ by: "campaign_id", compare: "none", top: "500" }));
    for (const name of Object.values(HARD_NAMES)) {
      const [total] = await ask({ "filter.campaign_id": joinValues([name]) });
      await value(page, name).click();
      await settled(page);
      expect(await table(page)).toEqual([texts("Total", total!, total), texts(name, total!, total)]);
      await page.goBack();
      await settled(page);
    }
  });
});

describe("the pivot", () => {
  const counts = async (params: Params) => Number((await ask({ metrics: "active_users", ...params }))[0]?.active_users ?? 0);

  test("has cells and totals of the API, and all others on both sides", async () => {
    const page = await open(breakdown({ by: "item", pivot: "campaign_id", top: "10" }));
    const rows = (await ask({ metrics: "active_users", group_by: "item", limit: "10", everything_else: "true" })).map((r) => [r.item, r.active_users]);
    const across = (await ask({ metrics: "active_users", group_by: "campaign_id", limit: "12", everything_else: "true" })).map((r) => [r.campaign_id, r.active_users]);
    const count = (n: unknown) => formats.count(Number(n));
    const shown = await table(page);
    expect(shown.slice(1).map((r) => r.slice(0, 2))).toEqual(rows.map(([name, n]) => [name, count(n)]));
    expect(shown[0]).toEqual(["Total", count(await counts({})), ...across.map(([, n]) => count(n))]);
    expect((await page.locator("thead th").allTextContents()).slice(2).map((t) => t.trim())).toEqual(across.map(([name]) => name));

    const side = (dimension: string, all: unknown[][], i: number): Params =>
      i < all.length - 1 ? { [`filter.${dimension}`]: joinValues([String(all[i]?.[0])]) } : { [`filter.${dimension}!`]: joinValues(all.slice(0, -1).map(([name]) => String(name))) };
    for (const r of [0, 4, 9, 10]) {
      for (const c of [0, 1, 7, 11, 12]) {
        expect(shown[r + 1]?.[c + 2], `cell ${r}, ${c}`).toBe(count(await counts({ ...side("item", rows, r), ...side("campaign_id", across, c) })));
      }
    }
  });

  test.each(columns)("shows %s with shades of its own", async (metric) => {
    const page = await open(breakdown({ by: "country", pivot: "device", top: "10" }));
    await page.getByLabel("Metric").selectOption(metric);
    await settled(page);
    const rows = await ask({ metrics: metric, group_by: "country,device" });
    const shown = await table(page);
    const across = (await page.locator("thead th").allTextContents()).slice(2).map((t) => t.trim());
    for (const line of shown.slice(1).filter((l) => l[0] !== REST)) {
      across.forEach((device, c) => {
        const row = rows.find((r) => r.country === line[0] && r.device === device);
        expect(line[c + 2]).toBe(figure(formats, metrics[metric].kind, (row?.[metric] ?? (metrics[metric].kind === "count" ? 0 : null)) as number | null));
      });
    }
    const alphas = await page.locator("td.cell").evaluateAll((cells) => cells.map((c) => Number(getComputedStyle(c).getPropertyValue("--heat-alpha"))));
    expect(Math.max(...alphas)).toBeCloseTo(0.6);
    expect(Math.min(...alphas)).toBeLessThan(0.1);
    await axe(page);
  });

  test("is read cell by cell with the keyboard", async () => {
    const page = await open(breakdown({ by: "country", pivot: "device", top: "10" }));
    expect(await page.locator("td[tabindex='0']").count()).toBe(1);
    await page.locator("td[tabindex='0']").focus();
    for (const key of ["ArrowDown", "ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
    const at = await page.evaluate(() => ({ ...(document.activeElement as HTMLElement).dataset, text: document.activeElement?.textContent?.trim() }));
    expect(at).toMatchObject({ row: "2", column: "1" });
    expect(await page.locator("section p[aria-hidden]").textContent()).toContain(`Active users: ${at.text}`);
    await page.keyboard.press("Control+End");
    expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset.row)).toBe("10");
  });

  test("filters by a head of either side", async () => {
    const page = await open(breakdown({ by: "country", pivot: "device" }));
    await page.locator("thead").getByRole("link", { name: "mobile" }).click();
    await settled(page);
    expect(new URL(page.url()).searchParams.get("filter.device")).toBe("mobile");
    expect((await page.locator("thead th").allTextContents()).slice(2).map((t) => t.trim())).toEqual(["mobile"]);
  });
});

describe("a file", () => {
  async function download(page: Page, kind: "CSV" | "PNG"): Promise<{ name: string; content: Buffer }> {
    await page.getByRole("button", { name: "Export the table" }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: kind }).click()]);
    return { name: file.suggestedFilename(), content: readFileSync(await file.path()) };
  }

  test("of the table has all figures, and no formula", async () => {
    const page = await open(breakdown({ by: "campaign_id" }));
    const { name, content } = await download(page, "CSV");
    expect(name).toBe(`rollcall-by-campaign_id-${span.from}-to-${addDays(span.to, -1)}.csv`);
    const [total] = await ask({});
    const rows = await ask({ group_by: "campaign_id", limit: "25", everything_else: "true" });
    const written = content.toString().trimEnd().split("\r\n");
    expect(written).toHaveLength(rows.length + 2);
    expect(written[0]).toBe("campaign_id,active_users,share,new_users,sessions,avg_session_duration,bounce_rate,events");
    expect(written[1]).toBe(`(total),${total!.active_users},1,${columns.slice(1).map((c) => total![c]).join()}`);
    rows.forEach((row, i) => expect(written[i + 2]).toContain(`,${columns.slice(1).map((c) => row[c]).join()}`));
    expect(content.toString()).not.toMatch(/^"?=/m);
  });

  test("of the pivot has its cells", async () => {
    const page = await open(breakdown({ by: "device", pivot: "country", metric: "events" }));
    const { content } = await download(page, "CSV");
    const [total] = await ask({});
    expect(content.toString().split("\r\n")[1]).toMatch(new RegExp(`^\\(total\\),${total!.events},`));
  });

  test.each([{}, { pivot: "country" }, { top: "500", by: "item" }] as Params[])("is a picture of what is shown: %j", async (params) => {
    const page = await open(breakdown(params));
    const { name, content } = await download(page, "PNG");
    expect(name).toMatch(/^rollcall-.*\.png$/);
    expect(content.subarray(1, 4).toString()).toBe("PNG");
    expect(content.readUInt32BE(16)).toBeGreaterThan(900);
    expect(content.readUInt32BE(20)).toBeLessThanOrEqual(16_384);
  });
});

describe("the page", () => {
  test.each([{ dark: false, width: 1440 }, { dark: true, width: 1440 }, { dark: false, width: 375 }, { dark: true, width: 375 }, { dark: false, width: 2560 }])("has no fault: %j", async ({ dark, width }) => {
    for (const params of [{ by: "campaign_id" }, { by: "campaign_id", pivot: "country" }] as Params[]) {
      const page = await open(breakdown(params), { dark, width, height: width < 500 ? 812 : 900 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no sideways scroll").toBe(true);
      await axe(page);
      await shot(page, `breakdown ${params.pivot ?? "table"} ${width}${dark ? " dark" : ""}`);
    }
  });

  test("shows the ordered figure first on a phone, and the rest beside a name that stays", async () => {
    const page = await open(breakdown({ by: "country", order: "-events" }), { width: 375, height: 812 });
    expect((await page.locator("thead th").allTextContents()).slice(0, 2).map((t) => t.trim())).toEqual(["Country", "Events"]);
    const first = lines(page).nth(1).locator("th");
    const left = (await first.boundingBox())?.x;
    await page.locator(".scroll").evaluate((box) => box.scrollTo({ left: 400 }));
    expect((await first.boundingBox())?.x).toBe(left);
  });

  test("is live, and keeps the order, the focus and what is scrolled to", async () => {
    const server = await ownServer();
    const page = await open("/breakdown?by=item&range=7d&order=item&top=100&compare=none", { height: 700, address: server.address });
    const box = page.locator(".scroll");
    await lines(page).nth(60).getByRole("link").focus();
    const scrolled = await box.evaluate((b) => b.scrollTop);
    expect(scrolled).toBeGreaterThan(100);
    const [name = "", users = ""] = (await table(page))[60] ?? [];
    await send([{ user_id: `new to ${name} ${Date.now()}`, item: name, device: "mobile" }], server.address);
    const more = formats.count(Number(users.replaceAll(",", "")) + 1);
    await lines(page).filter({ has: page.getByRole("link", { name, exact: true }) }).locator("td").first().filter({ hasText: new RegExp(`^\\s*${more}\\s*$`) }).waitFor();
    expect(await box.evaluate((b) => b.scrollTop)).toBe(scrolled);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
    expect(new URL(page.url()).searchParams.get("order")).toBe("item");
    const shown = (await names(page)).slice(0, -1);
    expect((await ask({ ...{ from: addDays(today, -6), to: addDays(today, 1) }, group_by: "item", order: "item", limit: "100" })).map((r) => r.item)).toEqual(shown);
  });

  test("keeps what it has when the server fails, says so, and recovers", async () => {
    let failing = false;
    const page = await open(breakdown({ by: "country" }), {
      allow: [/500/],
      before: (p) => p.route("**/api/v1/query?**", (route) => (failing ? route.fulfill({ status: 500, json: { detail: "The store is gone." } }) : route.continue())),
    });
    const shown = await names(page);
    failing = true;
    await head(page, "Events").getByRole("button").click();
    await page.getByRole("alert").filter({ hasText: "The store is gone. What is shown is older." }).waitFor();
    expect(await names(page)).toEqual(shown);
    failing = false;
    await page.getByRole("alert").waitFor({ state: "detached" });
    expect(await names(page)).toEqual((await ask({ group_by: "country", order: "-events", limit: "25", everything_else: "true" })).map((r) => r.country));
  });
});
