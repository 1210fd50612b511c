import { expect, test } from "vitest";
import { weekday } from "../../state/day";
import { firstWeekday, ordered, refusal, stepped, weeksOf } from "./calendar";

test("weeks begin by locale", () => {
  expect([firstWeekday("de-DE"), firstWeekday("en-US"), firstWeekday("ar-EG")]).toEqual([0, 6, 5]);
});

test("a month of four whole weeks, and one that begins late", () => {
  expect(weeksOf("2027-02-14", 0)).toHaveLength(4);
  const november = weeksOf("2026-11-28", 0);
  expect(november).toHaveLength(6);
  expect(november[0]).toEqual([null, null, null, null, null, null, "2026-11-01"]);
  expect(november[5]).toEqual(["2026-11-30", null, null, null, null, null, null]);
  expect(weeksOf("2026-11-28", 6)[0]?.[0]).toBe("2026-11-01");
});

test.each([0, 5, 6])("every day of a leap year stands once, under its weekday, when weeks begin with %i", (first) => {
  const days: string[] = [];
  for (let m = 1; m <= 12; m++)
    for (const week of weeksOf(`2024-${String(m).padStart(2, "0")}-15`, first)) {
      expect(week).toHaveLength(7);
      week.forEach((d, i) => {
        if (d === null) return;
        expect((weekday(d) - first + 7) % 7).toBe(i);
        days.push(d);
      });
    }
  expect(new Set(days).size).toBe(366);
  expect(days).toEqual([...days].sort());
});

test.each([
  ["ArrowLeft", false, "2024-02-28"],
  ["ArrowRight", false, "2024-03-01"],
  ["ArrowUp", false, "2024-02-22"],
  ["ArrowDown", false, "2024-03-07"],
  ["PageUp", false, "2024-01-29"],
  ["PageDown", false, "2024-03-29"],
  ["PageUp", true, "2023-02-28"],
  ["PageDown", true, "2025-02-28"],
  ["Home", false, "2024-02-26"],
  ["End", false, "2024-03-03"],
  ["x", false, null],
])("%s (shift: %s) from a leap day leads to %s", (key, shift, to) => expect(stepped("2024-02-29", key, shift, 0)).toBe(to));

test("a week that begins with Sunday begins and ends there", () => {
  expect(stepped("2024-02-29", "Home", false, 6)).toBe("2024-02-25");
  expect(stepped("2024-02-29", "End", false, 6)).toBe("2024-03-02");
});

test("two days make a range in either order", () => expect(ordered("2026-11-02", "2026-11-01")).toEqual(["2026-11-01", "2026-11-02"]));

test("typed days", () => {
  expect(refusal("2026-11-01", "2026-11-28", "2026-11-28")).toBeNull();
  expect(refusal("2026-11-28", "2026-11-28", "2026-11-28")).toBeNull();
  expect(refusal("", "2026-11-28", "2026-11-28")).toBe("Give both days.");
  expect(refusal("2026-11-02", "2026-11-01", "2026-11-28")).toBe("The first day comes after the last.");
  expect(refusal("2026-11-02", "2026-11-29", "2026-11-28")).toBe("The last day lies in the future.");
});
