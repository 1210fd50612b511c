import { type Answer, pathOf, type Question, type Row } from "../api/query";
import { type Problem } from "../api/client";
import { ask } from "./answer.svelte";
import { touches } from "./touch";

/** A question with its newest answer. */
export interface Asked {
  readonly rows: Row[] | undefined; // undefined: not there yet, or not asked for
  readonly path: string | null; // what the rows answer, which may be the question before
  readonly outdated: boolean;
  readonly problem: Problem | null;
}

interface Manner {
  before?: number; // so many days ahead of its span a question reads
  after?: Asked; // a question waits for the answer to this one, so as not to slow it down
}

/** Asks a question again when it or its days change. To be called while a component is set up. */
export function asked(question: () => Question | null, { before = 0, after }: Manner = {}): Asked {
  const wanted = $derived.by(() => {
    const q = question();
    return q && pathOf(q);
  });
  let due = $state.raw<string | null>(null);
  $effect(() => {
    if (!after?.outdated || after.problem) due = wanted;
  });
  const answered = ask<Answer>(() => due, (change) => {
    const q = question();
    return q !== null && touches(change, q.span, before);
  });
  return {
    get rows() { return wanted === null ? undefined : answered.data?.rows; },
    get path() { return wanted === null ? null : answered.path; },
    get outdated() { return wanted !== null && (wanted !== due || answered.outdated); },
    get problem() { return wanted === null ? null : answered.problem; },
  };
}

/** What is read from answers that belong together: it changes at once, when each of them answers its question. */
export function together<T>(read: () => T, all: Asked[]): { readonly now: T } {
  let held = $state.raw<T>();
  $effect(() => {
    if (all.every((a) => !a.outdated || a.problem)) held = read();
  });
  return { get now() { return held ?? read(); } };
}
