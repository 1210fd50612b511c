import { type Dates } from "../../format/date";
import { type Grain } from "../../state/grain";
import { type Span } from "../../state/range";
import { partOf, type Point } from "./points";

/** The name of a bucket: what of it the span has. */
export const nameOf = (dates: Dates, point: Point, grain: Grain, span: Span): string =>
  point.state === "cut" && (grain === "week" || grain === "month") ? dates.span(partOf(point.bucket, grain, span)) : dates.bucket(point.bucket, grain);
