import { expect, test } from "vitest";
import { linkTo, parseView, searchOf } from "./view";

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
