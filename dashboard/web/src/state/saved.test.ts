import { expect, test } from "vitest";
import { find, LONGEST_NAME, MOST_VIEWS, nameOf, parseSaved, put, refusal, without } from "./saved";

const view = (name: string, link = "./") => ({ name, link });

test.each([null, "", "{", "null", "7", '"x"', "{}", "[1,null,{}]", '[{"name":1,"link":"./"}]', '[{"name":" ","link":"./"}]', '[{"name":"a"}]'])("nothing is read from %j", (text) =>
  expect(parseSaved(text)).toEqual([]),
);

test("what was kept comes back in its order", () => {
  const views = [view("b", "./breakdown?range=7d"), view("a", "./?filter.device=mobile,tablet"), view("שלום <b>", "./")];
  expect(parseSaved(JSON.stringify(views))).toEqual(views);
});

test("links are those of views, whatever was kept", () => {
  const kept = ["javascript:alert(1)", "https://example.org/retention?range=7d", "//example.org", "./breakdown?x=1&range=7d"];
  expect(parseSaved(JSON.stringify(kept.map((link, i) => view(`v${i}`, link)))).map((v) => v.link)).toEqual(["./", "./retention?range=7d", "./", "./breakdown?range=7d"]);
});

test("names are bounded, and so is their number", () => {
  expect(nameOf("  two \n words ")).toBe("two words");
  expect([...nameOf("🎉".repeat(100))]).toHaveLength(LONGEST_NAME);
  const many = Array.from({ length: MOST_VIEWS + 50 }, (_, i) => view(`v${i}`));
  expect(parseSaved(JSON.stringify(many))).toHaveLength(MOST_VIEWS);
  expect(parseSaved(JSON.stringify([view("a", "./?by=" + "x".repeat(20_000))]))).toEqual([]);
});

test("a view of the same name is replaced where it stands, whatever its case", () => {
  const views = put([view("a"), view("b")], view("B", "./retention"));
  expect(views).toEqual([view("a"), view("B", "./retention")]);
  expect(put(views, view("c"))[0]?.name).toBe("c");
  expect(find(views, " b ")?.link).toBe("./retention");
  expect(without(views, "A").map((v) => v.name)).toEqual(["B"]);
});

test("what can't be saved says why", () => {
  const full = Array.from({ length: MOST_VIEWS }, (_, i) => view(`v${i}`));
  expect(refusal([], view(""))).toMatch("name");
  expect(refusal(full, view("new"))).toMatch("Delete one");
  expect(refusal(full, view("v1"))).toBeNull();
  expect(refusal([], view("a", "x".repeat(20_000)))).toMatch("too many");
});
