import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }).filter((name) => /\.(svelte|ts|css)$/.test(name) && !name.endsWith(".test.ts"));

// No markup is made of data, nothing comes from elsewhere, and nothing is inline that the content security policy refuses.
test.each(sources)("%s keeps to its own origin and to text", (name) => {
  const text = readFileSync(`${import.meta.dirname}/${name}`, "utf8").replaceAll("http://www.w3.org/2000/svg", "");
  for (const banned of ["{@html", "innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "new Function", "document.write", ' style="', "http://", "https://"]) {
    expect(text.includes(banned), banned).toBe(false);
  }
});
