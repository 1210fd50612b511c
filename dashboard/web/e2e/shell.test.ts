import { expect, test } from "vitest";
import { open } from "./app";
import { axe } from "./axe";

test("the dashboard loads", async () => {
  const page = await open("/");
  expect(await page.title()).toBe("Overview · Rollcall");
  await page.locator(".badge.live").waitFor();
  await axe(page);
});
