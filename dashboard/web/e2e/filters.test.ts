import { type Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { api, open, settled } from "./app";
import { axe } from "./axe";
import { HARD_NAMES, TIMEZONE } from "./seed";

interface Values {
  values: { value: string; weight: number }[];
}

const values = async (dimension: string, search = "", limit = 50) =>
  (await api<Values>(`api/v1/dimensions/${dimension}?${new URLSearchParams({ search, limit: String(limit) })}`)).values;

const params = (page: Page) => new URL(page.url()).searchParams;
const chips = (page: Page) => page.getByRole("list", { name: "Active filters" }).getByRole("listitem").filter({ hasNot: page.getByRole("button", { name: "Clear all" }) });
const dialog = (page: Page) => page.locator(":popover-open");
const option = (page: Page, name: string) => dialog(page).getByRole("option").filter({ has: page.getByText(name, { exact: true }) });

async function add(page: Page, dimension: string): Promise<void> {
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await dialog(page).getByRole("button", { name: dimension, exact: true }).click();
  await dialog(page).getByRole("option").first().waitFor();
}

async function search(page: Page, text: string): Promise<void> {
  const asked = page.waitForResponse((r) => r.url().includes("/dimensions/") && new URL(r.url()).searchParams.get("search") === text.trim());
  await dialog(page).getByRole("combobox").fill(text);
  await asked;
  await settled(page);
}

const closed = (page: Page) => expect.poll(() => dialog(page).count()).toBe(0);
const today = () => new Intl.DateTimeFormat("en-CA", { timeZone: TIMEZONE }).format();
const plus = (day: string, days: number) => new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);

describe("filters", () => {
  test("several values of several dimensions, and what is not", async () => {
    const page = await open("/");
    await add(page, "Country");
    await option(page, "KR").click();
    await option(page, "US").click();
    expect(params(page).get("filter.country")).toBe("KR,US");
    await dialog(page).getByRole("button", { name: "Done" }).click();
    await closed(page);
    await add(page, "Device");
    await dialog(page).getByRole("button", { name: "is not" }).click();
    await option(page, "mobile").click();
    await page.keyboard.press("Escape");
    await closed(page);
    expect(params(page).get("filter.device!")).toBe("mobile");
    expect(await chips(page).allInnerTexts()).toEqual(["country is KR,US".replace(",", ", "), "device is not mobile"].map((t) => expect.stringMatching(new RegExp(t.replaceAll(/[ ,]+/g, "[\\s,]*")))));
    await axe(page);
  });

  test("one visit of a panel is one step back, and another forward", async () => {
    const page = await open("/?range=7d");
    await add(page, "Country");
    await option(page, "KR").click();
    await option(page, "US").click();
    await page.keyboard.press("Escape");
    await page.goBack();
    expect(params(page).get("filter.country")).toBeNull();
    await expect.poll(() => chips(page).count()).toBe(0);
    await page.goForward();
    expect(params(page).get("filter.country")).toBe("KR,US");
    await expect.poll(() => chips(page).count()).toBe(1);
  });

  test("a chip is changed, turned around, emptied and filled again, and removed", async () => {
    const page = await open("/?filter.country=KR&filter.device=mobile");
    await chips(page).first().getByRole("button").first().click();
    await dialog(page).getByRole("option").first().waitFor();
    expect(await option(page, "KR").getAttribute("aria-selected")).toBe("true");
    await dialog(page).getByRole("button", { name: "is not" }).click();
    expect(params(page).get("filter.country!")).toBe("KR");
    await option(page, "KR").click();
    expect(params(page).get("filter.country!")).toBeNull();
    await option(page, "US").click();
    expect([...params(page).keys()]).toEqual(["filter.country!", "filter.device"]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /Remove the filter country/ }).click();
    expect([...params(page).keys()]).toEqual(["filter.device"]);
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe("Filter");
    await page.getByRole("button", { name: "Clear all" }).click();
    expect([...params(page).keys()]).toEqual([]);
  });

  test("a chip that is left empty goes, and the focus is not lost", async () => {
    const page = await open("/?filter.country=KR");
    await chips(page).first().getByRole("button").first().click();
    await option(page, "KR").click();
    await page.keyboard.press("Escape");
    await expect.poll(() => chips(page).count()).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe("Filter");
  });

  test("thousands of values: the first 50, narrowed while one types", async () => {
    const page = await open("/");
    await add(page, "Item");
    const heaviest = await values("item");
    const shown = async () => (await dialog(page).locator("[role=option] .value").allTextContents());
    expect(await shown()).toEqual(heaviest.map((v) => v.value));
    await dialog(page).getByText("The first 50. Type to narrow.").waitFor();
    const format = new Intl.NumberFormat("en-GB");
    expect(await dialog(page).locator(".weight").allTextContents()).toEqual(heaviest.map((v) => format.format(v.weight)));
    await search(page, "ITEM 299");
    expect(await shown()).toEqual([...(await values("item", "ITEM 299")).map((v) => v.value), "ITEM 299"]);
    await option(page, "ITEM 299").click(); // as typed, though no event has it
    expect(params(page).get("filter.item")).toBe("ITEM 299");
    await search(page, "");
    expect((await shown())[0]).toBe("ITEM 299");
    await axe(page);
  });

  test("of requests that overtake each other the last one counts", async () => {
    const page = await open("/", { before: (p) => p.route(/search=item\+1&/, async (route) => {
      await new Promise((later) => setTimeout(later, 1500));
      await route.continue().catch(() => {});
    }) });
    await add(page, "Item");
    const started = page.waitForRequest(/search=item\+1&/);
    await dialog(page).getByRole("combobox").fill("item 1");
    await started;
    await search(page, "item 12");
    const expected = (await values("item", "item 12")).map((v) => v.value);
    expect(await dialog(page).locator("[role=option] .value").allTextContents()).toEqual(expected);
  });

  test.each([...Object.values(HARD_NAMES), "a\\,b", "& ?#%2C +", "x".repeat(200), "\u202eright to left"])("a hostile value comes back as it was: %s", async (value) => {
    const page = await open("/");
    await add(page, "Campaign id");
    await search(page, value);
    const known = (await values("campaign_id", value.trim())).some((v) => v.value === value);
    expect(known).toBe(Object.values(HARD_NAMES).includes(value));
    await option(page, value).click();
    await page.keyboard.press("Escape");
    const link = page.url();
    const other = await open(link.slice(new URL(link).origin.length));
    expect(await other.locator(".chip .value").allTextContents()).toEqual([value]);
    expect(other.url()).toBe(link);
    await axe(other);
  });

  test("by keyboard alone", async () => {
    const page = await open("/");
    await page.getByRole("button", { name: "Filter", exact: true }).focus();
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("Campaign id");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toBe("Country");
    await page.keyboard.press("Enter");
    await dialog(page).getByRole("option").first().waitFor();
    const countries = (await values("country")).map((v) => v.value);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(params(page).get("filter.country")).toBe(countries.slice(0, 2).join(","));
    await page.keyboard.press("Escape");
    await closed(page);
    expect(await focused()).toBe("Filter");
  });

  test("a server that does not answer is reported in the panel", async () => {
    const page = await open("/", { allow: [/503/], before: (p) => p.route(/api\/v1\/dimensions/, (r) => r.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail":"Too busy."}' })) });
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await dialog(page).getByRole("button", { name: "Country", exact: true }).click();
    await dialog(page).getByRole("alert").getByText("Too busy.").waitFor();
    await axe(page);
  });
});

describe("dates", () => {
  const range = (page: Page) => page.getByRole("group", { name: "Date range" });
  const openDates = async (page: Page) => {
    await range(page).getByRole("button").nth(1).click();
    await dialog(page).getByRole("grid").first().waitFor();
  };

  test("presets, and the dates before and after", async () => {
    const page = await open("/");
    await openDates(page);
    await axe(page);
    await dialog(page).getByRole("button", { name: "Last 7 days" }).click();
    await closed(page);
    expect(params(page).get("range")).toBe("7d");
    await range(page).getByRole("button", { name: "Earlier dates" }).click();
    expect([params(page).get("from"), params(page).get("to")]).toEqual([plus(today(), -13), plus(today(), -6)]);
    await range(page).getByRole("button", { name: "Later dates" }).click();
    const sunday = new Date(`${today()}T00:00Z`).getUTCDay() === 0; // then these days are the week
    expect(["range", "from", "to"].map((p) => params(page).get(p))).toEqual(sunday ? ["week", null, null] : [null, plus(today(), -6), plus(today(), 1)]);
    expect(await range(page).getByRole("button", { name: "Later dates" }).isDisabled()).toBe(true);
    await page.goBack();
    await page.goBack();
    expect(params(page).get("range")).toBe("7d");
    await page.reload();
    expect(await range(page).getByRole("button").nth(1).innerText()).toMatch(/^Last 7 days/);
  });

  test("two days of the calendar, with a preview; the days to come can't be chosen", async () => {
    const page = await open("/?range=last_month");
    await openDates(page);
    const day = (d: string) => dialog(page).locator(`[data-day="${d}"]`);
    const last = plus(`${today().slice(0, 7)}-01`, -1);
    const [a, b] = [plus(last, -20), plus(last, -17)];
    await day(b).click();
    await day(a).hover();
    expect(await dialog(page).locator("td[aria-selected=true]").count()).toBe(4);
    await day(a).click();
    await closed(page);
    expect([params(page).get("from"), params(page).get("to")]).toEqual([a, plus(b, 1)]);
    await openDates(page);
    for (const later = dialog(page).getByRole("button", { name: "Later month" }); await later.isEnabled(); ) await later.click();
    expect(await day(today()).isEnabled()).toBe(true);
    expect(await dialog(page).locator("[data-day]:enabled").last().getAttribute("data-day")).toBe(today());
  });

  test("the calendar by keyboard", async () => {
    const page = await open("/?range=today");
    await range(page).getByRole("button").nth(1).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe("Today");
    await dialog(page).locator(`[data-day="${today()}"]`).focus();
    for (const key of ["ArrowRight", "ArrowUp", "ArrowLeft"]) await page.keyboard.press(key);
    const a = plus(today(), -8);
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("data-day"))).toBe(a);
    await page.keyboard.press("Enter");
    await page.keyboard.press("PageUp");
    await page.keyboard.press("Home");
    const b = await page.evaluate(() => document.activeElement?.getAttribute("data-day") ?? "");
    expect(new Date(b).getUTCDay()).toBe(1); // en-GB
    await page.keyboard.press("Enter");
    await closed(page);
    expect([params(page).get("from"), params(page).get("to")]).toEqual([b, plus(a, 1)]);
  });

  test("days that are typed", async () => {
    const page = await open("/");
    await openDates(page);
    const [from, to] = [plus(today(), -40), plus(today(), -30)];
    await dialog(page).getByLabel("From").fill(to);
    await dialog(page).getByLabel("To", { exact: true }).fill(from);
    await dialog(page).getByRole("button", { name: "Apply" }).click();
    await dialog(page).getByRole("alert").getByText("The first day comes after the last.").waitFor();
    await axe(page);
    await dialog(page).getByLabel("From").fill(from);
    await dialog(page).getByLabel("To", { exact: true }).fill(to);
    await page.keyboard.press("Enter");
    await closed(page);
    expect([params(page).get("from"), params(page).get("to")]).toEqual([from, plus(to, 1)]);
  });

  test("weeks begin by locale", async () => {
    for (const [locale, first] of [["en-US", "Sunday"], ["de-DE", "Montag"]] as const) {
      const page = await open("/", { locale });
      await openDates(page);
      expect(await dialog(page).locator("th").first().getAttribute("abbr")).toBe(first);
    }
  });

  test("the comparison", async () => {
    const page = await open("/");
    await page.getByLabel("Compare with").selectOption("No comparison");
    expect(params(page).get("compare")).toBe("none");
    await page.goBack();
    expect(await page.getByLabel("Compare with").inputValue()).toBe("previous_period");
  });

  test("real time has filters, but no dates", async () => {
    const page = await open("/realtime");
    await page.getByRole("button", { name: "Filter", exact: true }).waitFor();
    expect(await range(page).count()).toBe(0);
  });
});

describe("links and saved views", () => {
  test("a copied link shows the same view elsewhere", async () => {
    const page = await open("/breakdown?range=7d&filter.country=KR,US&filter.device!=mobile");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByText("The link is copied").waitFor({ state: "attached" });
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const other = await open(link.slice(new URL(link).origin.length));
    expect(other.url()).toBe(page.url());
    for (const part of [".range", ".chips"]) expect(await other.locator(part).innerText()).toBe(await page.locator(part).innerText());
  });

  test("views are saved by name, replaced, opened, deleted and brought back", async () => {
    const page = await open("/?range=7d&filter.country=KR");
    const menu = async () => {
      if ((await dialog(page).count()) === 0) await page.locator("button[title='Saved views']").click();
    };
    const save = async (name: string, button: string) => {
      await menu();
      await dialog(page).getByRole("button", { name: "Save this view…" }).click();
      await dialog(page).getByLabel("Name").fill(name);
      await axe(page);
      await dialog(page).getByRole("button", { name: button }).click();
      await dialog(page).getByRole("link", { name }).waitFor();
      await page.keyboard.press("Escape");
      await closed(page);
    };
    await save('Korea "<b>"', "Save");
    await page.getByRole("button", { name: "Clear all" }).click();
    await save("All", "Save");
    await page.getByLabel("Compare with").selectOption("previous_year");
    await menu();
    expect(await dialog(page).locator("[aria-current=true]").count()).toBe(0);
    await page.keyboard.press("Escape");
    await save("all", "Replace");
    await page.reload();
    await menu();
    expect(await dialog(page).getByRole("link").allInnerTexts()).toEqual([expect.stringContaining("all"), expect.stringContaining('Korea "<b>"')]);
    expect(await dialog(page).locator("[aria-current=true]").innerText()).toContain("all");
    await dialog(page).getByRole("link", { name: "Korea" }).click();
    await closed(page);
    expect(Object.fromEntries(params(page))).toEqual({ range: "7d", "filter.country": "KR" });
    await page.goBack();
    expect(Object.fromEntries(params(page))).toEqual({ range: "7d", compare: "previous_year" });
    await menu();
    await dialog(page).getByRole("button", { name: "Delete the view Korea" }).click();
    expect(await dialog(page).getByRole("link").count()).toBe(1);
    await dialog(page).getByRole("button", { name: "Undo" }).click();
    expect(await dialog(page).getByRole("link").count()).toBe(2);
    await axe(page);
  });

  test("another tab sees what is saved", async () => {
    const page = await open("/?range=7d");
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.locator("button[title='Saved views']").click();
    await page.locator("button[title='Saved views']").click();
    await dialog(page).getByRole("button", { name: "Save this view…" }).click();
    await dialog(page).getByLabel("Name").fill("Week");
    await page.keyboard.press("Enter");
    await dialog(other).getByRole("link", { name: "Week" }).waitFor();
  });

  test("storage that is broken is no trouble", async () => {
    const page = await open("/", { before: (p) => p.addInitScript(() => localStorage.setItem("rollcall.views", '[{"name":"x","link":"javascript:alert(1)"},7')) });
    await page.locator("button[title='Saved views']").click();
    expect(await dialog(page).getByRole("link").count()).toBe(0);
  });
});

describe.each([
  ["a phone", { width: 375, height: 812 }],
  ["a dark phone", { width: 375, height: 812, dark: true }],
  ["a dark screen", { dark: true }],
  ["a wall", { width: 2560, height: 1440 }],
])("on %s", (_, look) => {
  test("everything can be reached and read", async () => {
    const page = await open(`/?range=7d&filter.country=KR,US&filter.device!=mobile&filter.campaign_id=${"x".repeat(80)},(not set)`, look);
    const inside = async () => {
      const box = await dialog(page).boundingBox();
      const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
      expect(box && box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height, JSON.stringify(box)).toBe(true);
    };
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    await axe(page);
    for (const button of [page.locator("button.dates"), page.locator("[data-add]"), page.locator("button[title='Saved views']"), page.locator(".chip .open").first()]) {
      await button.click();
      await dialog(page).waitFor();
      await settled(page);
      await inside();
      await axe(page);
      await page.keyboard.press("Escape");
      await closed(page);
      expect(await button.evaluate((b) => b === document.activeElement)).toBe(true);
    }
  });
});
