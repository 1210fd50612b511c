import { expect, test } from "vitest";
import { type Filter } from "../state/filter";
import { requestOf } from "./client";
import { pathOf } from "./query";

const query = (filters: Filter[]) => pathOf({ span: { from: "2026-11-01", to: "2026-11-08" }, grain: "total", metrics: ["events", "sessions"], filters });

test("a short question is a path", () => {
  const path = query([{ dimension: "c", not: false, values: ["a,b"] }]);
  expect(requestOf(path)).toEqual([path, {}]);
});

test("a long question is posted, by the same names", () => {
  const values = Array.from({ length: 500 }, (_, i) => `höhe, ${i}?`);
  const [address, init] = requestOf(query([{ dimension: "c", not: true, values }]));
  expect(address).toBe("api/v1/query");
  expect(init.method).toBe("POST");
  expect(JSON.parse(String(init.body))).toEqual({
    from: "2026-11-01", to: "2026-11-08", grain: "total", metrics: "events,sessions", "filter.c!": values.map((v) => v.replace(",", "\\,")).join(","),
  });
});

test("only queries can be posted", () => {
  const path = `api/v1/dimensions/c?search=${"x".repeat(9000)}`;
  expect(requestOf(path)).toEqual([path, {}]);
});
