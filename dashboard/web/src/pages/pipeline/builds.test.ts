import { expect, test } from "vitest";
import { type Build, type Rebuild } from "../../api/builds";
import { datesOf } from "../../format/date";
import { formatsOf } from "../../format/number";
import { doneOf, saidOf, settingsOf } from "./builds";

const build = (change: Partial<Build>): Build => ({ number: 1, state: "active", dimensions: ["country", "device"], shards: 4, settings: { timezone: "UTC", session_gap: "30m", passive_types: "" }, begun: 0, activated: 0, ...change });
const rebuild = (change: Partial<Rebuild>): Rebuild => ({ state: "running", phase: "folding", build: 2, events: 400_000, events_total: 1_000_000, seconds_left: 2.4, started: "2026-11-28T12:00:00Z", ended: "", error: "", ...change });
const said = (change: Partial<Rebuild>) => saidOf(rebuild(change), formatsOf("en-GB"), datesOf("en-GB"));

test("a rebuild says what it does and how long that takes", () => {
  expect(said({})).toBe("Build 2 is being made: 400,000 of 1,000,000 events, about 3s left.");
  expect(said({ build: 0, events: 0, seconds_left: 0 })).toBe("A build is being made: 0 of 1,000,000 events.");
  expect(said({ phase: "verifying" })).toBe("Build 2 is compared with the log before it takes over.");
  expect(said({ phase: "activating" })).toBe("Build 2 is taking over.");
});

test("a rebuild that has ended says what became of it", () => {
  const ended = "2026-11-28T12:30:05Z";
  expect(said({ state: "done", ended })).toBe("The last rebuild ended 28 Nov, 12:30:05: build 2 took over.");
  expect(said({ state: "failed", ended, error: "the disk is full" })).toBe("The last rebuild failed 28 Nov, 12:30:05: the disk is full");
  expect(said({ state: "cancelled", ended })).toMatch(/^The last rebuild was cancelled 28 Nov, 12:30:05; /);
});

test("the bar is of the events, and there is none but while they are folded", () => {
  expect(doneOf(rebuild({}))).toBe(0.4);
  expect(doneOf(rebuild({ events: 1_000_100 }))).toBe(1);
  for (const change of [{ phase: "verifying" }, { state: "done" as const }, { events_total: 0 }]) expect(doneOf(rebuild(change))).toBeNull();
});

test("a build tells its settings, and which are not those in use", () => {
  const texts = (b: Build) => settingsOf(b, build({})).map((s) => (s.other ? `*${s.text}` : s.text));
  expect(texts(build({}))).toEqual(["dimensions country, device", "log.shards 4", "session_gap 30m", "timezone UTC"]);
  expect(texts(build({ dimensions: [], shards: 8, settings: { timezone: "UTC", session_gap: "1h", passive_types: "ad_view" } }))).toEqual([
    "*no dimensions", "*log.shards 8", "*passive_types ad_view", "*session_gap 1h", "timezone UTC",
  ]);
});
