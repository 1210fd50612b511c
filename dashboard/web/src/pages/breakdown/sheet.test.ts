import { expect, test } from "vitest";
import { formatsOf } from "../../format/number";
import { type Pivot } from "./pivot";
import { pivotCells, pivotPicture } from "./pivotsheet";
import { groupsOf } from "./questions";
import { readOut } from "./readout";
import { cellsOf, noteOf, pictureOf } from "./sheet";

const formats = formatsOf("en-GB");
const row = (country: string | null, users: number) => ({
  bucket: "total", ...(country === null ? {} : { country }), active_users: users, new_users: 1, sessions: 1234, avg_session_duration: 61.5, bounce_rate: null, events: 5,
});
const shown = { dimension: "country", groups: groupsOf([row("KR", 3), row("(everything else)", 2)], "country", 1), total: row(null, 4) };

test("a table is written with its total, exact and with nothing for null", () => {
  const { head, rows } = cellsOf(shown);
  expect(head).toEqual(["country", "active_users", "share", "new_users", "sessions", "avg_session_duration", "bounce_rate", "events"]);
  expect(rows).toEqual([["(total)", 4, 1, 1, 1234, 61.5, null, 5], ["KR", 3, 0.75, 1, 1234, 61.5, null, 5], ["(everything else)", 2, 0.5, 1, 1234, 61.5, null, 5]]);
});

test("its picture has the texts of the screen", () => {
  const picture = pictureOf(shown, "1 Nov", formats);
  expect(picture.total?.map((c) => c.text)).toEqual(["Total", "4", "100.0%", "1", "1,234", "1m 02s", "–", "5"]);
  expect(picture.rows.map((r) => [r[0]?.text, r[0]?.muted])).toEqual([["KR", false], ["(everything else)", true]]);
});

const pivot: Pivot = {
  subject: { by: "country", pivot: "device", metric: "active_users", top: 1, span: { from: "2026-11-01", to: "2026-11-02" }, filters: [] },
  rows: shown.groups,
  columns: groupsOf([{ bucket: "total", device: "tv" }, { bucket: "total", device: "pc" }], "device", 12),
  cells: [[1, 4], [0, 2000]], rowTotals: [5, 2000], columnTotals: [1, 2003], total: 2004,
};

test("a pivot is written with its totals", () => {
  expect(pivotCells(pivot)).toEqual({
    head: ["country × device", "(total)", "tv", "pc"],
    rows: [["(total)", 2004, 1, 2003], ["KR", 5, 1, 4], ["(everything else)", 2000, 0, 2000]],
  });
});

test("its picture shades values, and not all others together", () => {
  const { rows } = pivotPicture(pivot, "1 Nov", formats);
  expect(rows[0]?.[3]?.heat).toBeCloseTo(0.6);
  expect(rows[1]?.map((c) => [c.text, "heat" in c])).toEqual([["(everything else)", false], ["2,000", false], ["0", false], ["2,000", false]]);
});

test("a cell is read out with its shares, and one that has gone is not", () => {
  expect(readOut(pivot, { row: 0, column: 1 }, formats)).toEqual({ row: "KR", column: "pc", figure: "Active users: 4", shares: "80.0% of KR · 0.2% of pc" });
  expect(readOut({ ...pivot, subject: { ...pivot.subject, metric: "bounce_rate" } }, { row: 0, column: 1 }, formats)?.shares).toBe("");
  expect(readOut(pivot, { row: 2, column: 1 }, formats)).toBeNull();
});

test("a picture tells its filters", () => {
  const filters = [{ dimension: "age_group", not: false, values: ["a", "b"] }, { dimension: "device", not: true, values: ["tv"] }];
  expect(noteOf("1 Nov", filters)).toBe("1 Nov · age group is a, b · device is not tv");
});
