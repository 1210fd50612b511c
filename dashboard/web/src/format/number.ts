import { type MetricKind } from "./metric";

/** What stands where there is no figure. */
export const NONE = "–";

export interface Formats {
  /** All digits: an exact figure is shown exactly. */
  count(n: number): string;
  /** Few characters, for axes and tight places. */
  compact(n: number): string;
  percent(fraction: number): string;
  /** Without a digit behind the point that says nothing, for axes. */
  compactPercent(fraction: number): string;
  /** With its sign. */
  change(fraction: number): string;
  duration(seconds: number): string;
  bytes(n: number): string;
}

/** The formats of a locale; Intl's own of the browser unless given. */
export function formatsOf(locale?: string): Formats {
  const of = (options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options).format;
  const whole = of({ maximumFractionDigits: 0 });
  const one = of({ maximumFractionDigits: 1 });
  return {
    count: whole,
    compact: of({ notation: "compact", maximumFractionDigits: 1 }),
    percent: of({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    compactPercent: of({ style: "percent", maximumFractionDigits: 1 }),
    change: of({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" }),
    duration: (s) => durationText(s, one),
    bytes: (n) => bytesText(n, one),
  };
}

function durationText(seconds: number, number: (n: number) => string): string {
  if (seconds < 10) return `${number(seconds)}s`;
  const s = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
  return `${number(Math.floor(s / 3600))}h ${two(Math.floor(s / 60) % 60)}m`;
}

function bytesText(n: number, number: (n: number) => string): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; n >= 1024 && unit < units.length - 1; unit++) n /= 1024;
  return `${number(n)} ${units[unit]}`;
}

/** A figure of a kind; tight is for axes, whose figures are round. */
export function figure(formats: Formats, kind: MetricKind, value: number | null | undefined, tight = false): string {
  if (value === null || value === undefined) return NONE;
  if (kind === "duration") return tight ? formats.duration(value).replace(/ 00[ms]$/, "") : formats.duration(value);
  if (kind === "rate") return tight ? formats.compactPercent(value) : formats.percent(value);
  return tight ? formats.compact(value) : formats.count(value);
}
