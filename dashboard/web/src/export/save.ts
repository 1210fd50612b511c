import { addDays, isDay } from "../state/day";
import { type Span } from "../state/range";

/** The name of a file about something in a span, without its ending: rollcall-sessions-2026-11-01-to-2026-11-30. */
export function fileName(subject: string, span: Span): string {
  const last = isDay(span.to) ? addDays(span.to, -1) : span.to;
  const name = span.from === last ? `${subject}-${last}` : `${subject}-${span.from}-to-${last}`;
  return `rollcall-${name.replace(/[^\p{L}\p{N}._-]+/gu, "-")}`;
}

/** Hands a file to the browser's downloads. */
export function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
