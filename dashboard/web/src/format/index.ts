import { datesOf } from "./date";
import { formatsOf } from "./number";

/** In the browser's locale. */
export const formats = formatsOf();
export const dates = datesOf();
