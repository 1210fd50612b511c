import { expect, test } from "vitest";
import { fileName } from "./save";

test.each([
  ["sessions", { from: "2026-11-01", to: "2026-12-01" }, "rollcall-sessions-2026-11-01-to-2026-11-30"],
  ["sessions", { from: "2026-11-01", to: "2026-11-02" }, "rollcall-sessions-2026-11-01"],
  ["by a/b", { from: "2026-11-01T10:00:00+01:00", to: "2026-11-01T11:00:00+01:00" }, "rollcall-by-a-b-2026-11-01T10-00-00-01-00-to-2026-11-01T11-00-00-01-00"],
])("a file about %s of %j", (subject, span, name) => {
  expect(fileName(subject, span)).toBe(name);
});
