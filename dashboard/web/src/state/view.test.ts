import { expect, test } from "vitest";
import { linkTo, pageOf, parseView, pathOf, searchOf, type View } from "./view";

const standard = parseView("/", "");
const back = (view: View): View => parseView(pathOf(view.page).slice(1), searchOf(view));

test("the standard view has the plain link", () => {
  expect(linkTo(standard)).toBe("./");
  expect(linkTo({ ...standard, page: "retention" })).toBe("./retention");
});

const hostile = ["a,b", "\\", "\\,", '"quoted"', "<script>alert(1)</script>", "&filter.device=x#y?z=1", "%2C%3A", "100 %", "a+b", "שלום\u202e", "日本 🎉", "x".repeat(200), "(not set)", " "];

test.each<[string, Partial<View>]>([
  ["a preset", { range: { preset: "last_month" } }],
  ["days", { range: { from: "2024-02-29", to: "2024-03-01" } }],
  ["instants", { range: { from: "2026-11-28T10:00:00+09:00", to: "2026-11-28T12:00:00+09:00" } }],
  ["all that can be chosen", { page: "breakdown", compare: "previous_year", grain: "week", metric: "bounce_rate", by: "country", pivot: "device", order: "-sessions", cohort: "week" }],
  ["a day", { page: "explain", day: "2026-11-27" }],
  ["no comparison", { compare: "none" }],
  ["odd names", { page: "breakdown", by: "a=b&c", pivot: "ü %2C", order: "-x,y" }],
  ["hostile values", { filters: [{ dimension: "campaign_id", not: false, values: hostile }, { dimension: "country", not: true, values: hostile }] }],
  ["both signs of one dimension", { filters: [{ dimension: "device", not: false, values: ["a"] }, { dimension: "device", not: true, values: ["b"] }] }],
  ["thousands of values", { filters: [{ dimension: "campaign_id", not: false, values: Array.from({ length: 3000 }, (_, i) => `c${i}`) }] }],
])("a link keeps %s", (_, change) => {
  const view = { ...standard, ...change };
  expect(back(view)).toEqual(view);
  expect(searchOf(back(view))).toBe(searchOf(view));
});

test("links are easy to read", () =>
  expect(linkTo({ ...standard, range: { from: "2026-11-01", to: "2026-11-08" }, filters: [{ dimension: "device", not: false, values: ["mobile", "tablet"] }] })).toBe(
    "./?from=2026-11-01&to=2026-11-08&filter.device=mobile,tablet",
  ));

test("what is not understood falls back to the standard", () => {
  const odd = "?range=toString&from=x&to=y&compare=x&grain=second&metric=__proto__&cohort=month&day=2026-02-30&filter.=&filter.device=&unknown=1";
  expect(parseView("/", odd)).toEqual(standard);
});

test.each([["/", "overview"], ["/below/", "overview"], ["/below/retention", "retention"], ["/nonsense", "overview"], ["./breakdown", "breakdown"]])("the page at %s is %s", (path, page) =>
  expect(pageOf(path)).toBe(page),
);
test("a view of the breakdown survives its URL", () => {
  const view = { ...parseView("/breakdown", ""), by: "country", pivot: "device", order: "-sessions", top: 100 as const };
  expect(linkTo(view)).toBe("./breakdown?by=country&pivot=device&order=-sessions&top=100");
  expect(parseView("/breakdown", searchOf(view))).toEqual(view);
});

test.each(["", "top=25", "top=7", "top=1e2", "top=-10", "top=100.0", "top="])("%j shows 25 rows and is not kept in links", (search) => {
  const view = parseView("/breakdown", search);
  expect(view.top).toBe(25);
  expect(searchOf(view)).toBe("");
});
