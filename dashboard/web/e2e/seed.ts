// The history that the tests look at: 90 days up to now.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const TIMEZONE = "Asia/Seoul"; // not that of the browser, so that a mix-up shows

export const DIMENSIONS = ["campaign_id", "age_group", "country", "device", "item"];

/** Campaigns that have a name which is hard to show. */
export const HARD_NAMES: Record<string, string> = {
  c002: "<img src=x onerror=alert(1)>",
  c003: 'one, two\\three; "four"',
  c005: "=HYPERLINK(\"x\")",
  c008: "a very long name of a campaign that goes on and on for more than eighty characters, truly",
  c011: "حملة الربيع 🌱",
};

const BAD = [
  "not JSON <script>alert(1)</script>",
  '{"user_id":"nobody","campaign_id":"without a time"}',
  '{"user_id":"nobody","time":"yesterday"}',
  '{"time":"2026-01-01T00:00:00Z"}',
];

const ITEMS = 3000;

/** Makes a data folder of 200,000 events with a few bad lines in its quarantine. */
export function seed(binary: string, data: string, scratch: string): void {
  const file = join(scratch, "events.ndjson");
  run(binary, "generate", "--events", "200000", "--users", "4000", "--days", "90", "--dimensions", DIMENSIONS.slice(0, 4).join(), "-o", file);
  const random = randoms(1);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n").map((line) => widened(line, random()));
  writeFileSync(file, [...lines, ...BAD, ""].join("\n"));
  run(binary, "import", file, "--data", data, "--timezone", TIMEZONE, "--dimensions", DIMENSIONS.join());
}

/** The same event with an item, few of which are frequent. */
function widened(line: string, random: number): string {
  const named = line.replace(/"campaign_id":"(\w+)"/, (all, id: string) => (HARD_NAMES[id] ? `"campaign_id":${JSON.stringify(HARD_NAMES[id])}` : all));
  return `${named.slice(0, -1)},"item":"item ${Math.floor(ITEMS * random ** 3)}"}`;
}

/** The same numbers each time, from 0 up to 1. */
function randoms(state: number): () => number {
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

function run(program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}\n${error?.message ?? stderr}`);
}
