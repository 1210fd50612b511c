import { get } from "../../api/client";
import { type Answer, pathOf, type Row } from "../../api/query";
import { type Change } from "../../api/stream";
import { type Values } from "../../parts/filters/options";
import { ask } from "../../state/answer.svelte";
import { route } from "../../state/route.svelte";
import { touches } from "../../state/touch";
import { beforeQuestion, type Group, groupsOf, totalQuestion, topQuestion, valuesQuestion } from "./questions";
import { type Found, foundOf, searchPath } from "./search";
import { breakdown } from "./subject.svelte";

/** The rows of one moment. */
export interface Shown {
  dimension: string;
  groups: Group[];
  total: Row | undefined;
}

interface Before {
  dimension: string;
  rows: Map<string, Row>;
  total: Row | undefined;
}

const here = (change: Change) => touches(change, breakdown.subject.span);

/** The figures of a breakdown by one dimension. To be made while a component is set up. */
export class Table {
  search = $state("");

  #searchPath = $derived(searchPath(breakdown.subject.filters, breakdown.by, this.search));
  #searched = ask<Values>(() => this.#searchPath, here);
  /** What the search finds; null when nothing is searched for, undefined until it is known. */
  found: Found | null | undefined = $derived.by(() => {
    if (this.search === "") return null;
    const reply = this.#searched.path === this.#searchPath ? this.#searched.data : undefined;
    return foundOf(breakdown.subject.filters, breakdown.by, this.search, reply) ?? undefined;
  });

  #paths: string | null = $derived.by(() => {
    if (this.found === undefined || this.found?.values.length === 0) return null;
    const { subject, order } = breakdown;
    const rows = this.found ? valuesQuestion(subject, order, this.found.values) : topQuestion(subject, order, route.view.top);
    return together(pathOf(rows), pathOf(totalQuestion(subject)));
  });
  answer = ask<Shown>(() => this.#paths, here, askShown);
  shown = $derived(this.answer.data);

  #beforePaths: string | null = $derived.by(() => {
    if (!breakdown.before || this.shown?.dimension !== breakdown.by) return null;
    const values = this.shown.groups.filter((g) => !g.rest).map((g) => g.value);
    const asked = beforeQuestion(breakdown.subject, breakdown.before, values);
    return together(pathOf(asked), pathOf(totalQuestion({ ...breakdown.subject, span: breakdown.before })));
  });
  #before = ask<Before>(() => this.#beforePaths, (c) => breakdown.before !== null && touches(c, breakdown.before), askBefore);
  /** The figures of the span before; those of values that have just come up may be missing for a moment. */
  before: Before | undefined = $derived.by(() => {
    const { data, path } = this.#before;
    const same = this.#beforePaths !== null && totalOf(path) === totalOf(this.#beforePaths);
    return same && data?.dimension === this.shown?.dimension ? data : undefined;
  });

  problem = $derived(this.#searched.problem ?? this.answer.problem ?? this.#before.problem);
}

// Questions of one moment are asked together; a path holds no space.
const together = (...paths: string[]): string => paths.join(" ");
const totalOf = (paths: string | null): string | undefined => paths?.split(" ")[1];

async function both(paths: string, signal: AbortSignal): Promise<{ asked: URLSearchParams; rows: Row[]; total: Row | undefined }> {
  const [path = "", total = ""] = paths.split(" ");
  const [rows, one] = await Promise.all([get<Answer>(path, signal), get<Answer>(total, signal)]);
  return { asked: new URLSearchParams(path.split("?")[1]), rows: rows.rows, total: one.rows[0] };
}

async function askShown(paths: string, signal: AbortSignal): Promise<Shown> {
  const { asked, rows, total } = await both(paths, signal);
  const dimension = asked.get("group_by") ?? "";
  return { dimension, total, groups: groupsOf(rows, dimension, Number(asked.get("limit"))) };
}

async function askBefore(paths: string, signal: AbortSignal): Promise<Before> {
  const { asked, rows, total } = await both(paths, signal);
  const dimension = asked.get("group_by") ?? "";
  return { dimension, total, rows: new Map(rows.map((row) => [String(row[dimension]), row])) };
}
