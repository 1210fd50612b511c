import { expect, test } from "vitest";
import { formatsOf } from "../../format/number";
import { cardOf, type Figures, type Words } from "./card";

const formats = formatsOf("en-GB");
const words: Words = { day: "28 Nov", length: "30 days", before: "the previous period", open: true, dayOpen: true };
const row = (figures: Record<string, number | null>) => [{ bucket: "total", ...figures }];
const figures: Figures = {
  total: row({ active_users: 68_383, sessions: 178_742, bounce_rate: null }),
  previousTotal: row({ active_users: 55_800, sessions: 145_270, bounce_rate: 0.4 }),
  present: row({ active_users: 5792, wau: 27_256, mau: 68_344 }),
  previousWindows: { active_users: row({ active_users: 4103 }), wau: row({ active_users: 22_259 }) },
  sparks: [{ bucket: "2026-11-27", active_users: 5116, sessions: 7 }, { bucket: "2026-11-28", active_users: 5792, sessions: 3 }],
  trailing: [{ bucket: "2026-11-28", wau: 27_256, mau: 68_344 }],
};

test("daily active users are those of the last day, beside those of the range", () => {
  expect(cardOf("active_users", figures, words, formats)).toMatchObject({ value: 5792, previous: 4103, values: [5116, 5792], note: "28 Nov · 68,383 in range" });
});

test("windows end with the last day", () => {
  expect(cardOf("wau", figures, words, formats)).toMatchObject({ value: 27_256, previous: 22_259, values: [27_256], note: "7 days to 28 Nov" });
  expect(cardOf("mau", figures, words, formats)).toMatchObject({ value: 68_344, previous: null });
});

test("others are of the whole range", () => {
  const card = cardOf("sessions", figures, words, formats);
  expect(card).toMatchObject({ value: 178_742, previous: 145_270, values: [7, 3], note: "in 30 days" });
  expect(card.about).toContain("145,270 in the previous period, up to the same hour.");
});

test("no figure is not the same as none yet", () => {
  expect(cardOf("bounce_rate", figures, words, formats).value).toBeNull();
  expect(cardOf("sessions", { previousWindows: {} }, words, formats)).toMatchObject({ value: undefined, previous: null, values: [] });
});
