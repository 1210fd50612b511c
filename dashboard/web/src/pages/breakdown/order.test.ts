import { expect, test } from "vitest";
import { clicked, orderOf, orderText } from "./order";

test.each([
  [null, "-active_users"],
  ["-sessions", "-sessions"],
  ["bounce_rate", "bounce_rate"],
  ["country", "country"],
  ["-country", "-country"],
  ["device", "-active_users"], // of another dimension
  ["wau", "-active_users"],
  ["--events", "-active_users"],
  ["toString", "-active_users"],
])("the order %j of a URL is %j", (text, order) => {
  expect(orderText(orderOf(text, "country"))).toBe(order);
});

test("the first click shows the greatest figures or the first names, the next one turns it round", () => {
  let order = orderOf(null, "country");
  const texts = ["events", "events", "country", "country", "active_users"].map((column) => orderText((order = clicked(order, column))));
  expect(texts).toEqual(["-events", "events", "country", "-country", "-active_users"]);
});
