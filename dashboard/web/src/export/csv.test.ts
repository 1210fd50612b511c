import { expect, test } from "vitest";
import { csvOf } from "./csv";

test("numbers are exact and null is empty", () => {
  expect(csvOf(["day", "n"], [["2026-11-01", 1e9], ["2026-11-02", 0.1], ["2026-11-03", null]])).toBe(
    "day,n\r\n2026-11-01,1000000000\r\n2026-11-02,0.1\r\n2026-11-03,\r\n",
  );
});

test.each([
  ["plain", "plain"],
  ["a,b", '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ["two\nlines", '"two\nlines"'],
  ["日本 🎈", "日本 🎈"],
  ["=1+1", "'=1+1"],
  ["@x,y", `"'@x,y"`],
])("%j is written as %s", (text, written) => {
  expect(csvOf(["v"], [[text]])).toBe(`v\r\n${written}\r\n`);
});

test("a negative number is no formula", () => {
  expect(csvOf(["v"], [[-1]])).toBe("v\r\n-1\r\n");
});
