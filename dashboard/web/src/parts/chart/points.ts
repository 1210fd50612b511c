import { type Row, numberOf } from "../../api/query";
import { type Metric } from "../../format/metric";
import { addDays, addMonths, type Day, firstOfMonth, isDay, mondayOf, wallClock } from "../../state/day";
import { type Grain } from "../../state/grain";
import { type Now, type Span } from "../../state/range";

/** A bucket of a chart. */
export interface Point {
  bucket: string;
  value: number | null; // null: there is none, or the bucket lies ahead
  previous: number | null;
  state: "whole" | "open" | "cut"; // open: not over; cut: the span has only a part of it
}

/** The points of one metric from rows without gaps, such as fill=zero gives. */
export function pointsOf(rows: Row[], metric: Metric, grain: Grain, span: Span, now: Now): Point[] {
  const { day } = wallClock(now.instant, now.timezone);
  return rows.map((row) => {
    const time = timeOf(row.bucket, grain, now.instant, day);
    return {
      bucket: row.bucket,
      value: time === "ahead" ? null : numberOf(row, metric),
      previous: numberOf(row, `${metric}_previous`),
      state: time === "open" ? "open" : isCut(row.bucket, grain, span) ? "cut" : "whole",
    };
  });
}

/** The rows whose buckets have begun. */
export function begun(rows: Row[], grain: Grain, now: Now): Row[] {
  const { day } = wallClock(now.instant, now.timezone);
  return rows.filter((row) => timeOf(row.bucket, grain, now.instant, day) !== "ahead");
}

const LENGTH = { minute: 60_000, hour: 3_600_000 };

function timeOf(bucket: string, grain: Grain, instant: number, today: Day): "over" | "open" | "ahead" {
  if (grain === "minute" || grain === "hour") {
    const begun = Date.parse(bucket);
    return begun > instant ? "ahead" : begun + LENGTH[grain] > instant ? "open" : "over";
  }
  const present = grain === "day" ? today : grain === "week" ? mondayOf(today) : firstOfMonth(today);
  return bucket > present ? "ahead" : bucket === present ? "open" : "over";
}

function isCut(bucket: string, grain: Grain, span: Span): boolean {
  if (grain !== "week" && grain !== "month") return false;
  return span.from.slice(0, 10) > bucket || (isDay(span.to) ? span.to : addDays(span.to.slice(0, 10), 1)) < endOf(bucket, grain);
}

/** The day after a bucket of days. */
const endOf = (bucket: Day, grain: "week" | "month"): Day => (grain === "week" ? addDays(bucket, 7) : addMonths(bucket, 1));

/** The days that a cut bucket has in the span. */
export function partOf(bucket: Day, grain: "week" | "month", span: Span): Span {
  const from = span.from.slice(0, 10);
  const to = isDay(span.to) ? span.to : addDays(span.to.slice(0, 10), 1);
  const end = endOf(bucket, grain);
  return { from: from > bucket ? from : bucket, to: to < end ? to : end };
}
