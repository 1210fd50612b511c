import { type Attachment } from "svelte/attachments";
import { type Area, bucketAt } from "./place";
import { afterKey, nothing, type Reading, selectionOf } from "./reading";

export interface Held {
  area(): Area | undefined;
  count(): number;
  start(): number; // the bucket at which the keys begin
  reading(): Reading;
  read(to: Reading, aloud: boolean): void;
  zoom: (() => void) | null; // to what is selected
}

/** A finger that rests for so long selects; one that moves at once reads. */
const REST_MS = 350;
/** A selection narrower than this is a click with an unsteady hand. */
const SLACK_PX = 6;

/** Reads a chart by mouse, finger and keys: moving reads, dragging selects, letting go zooms. */
export function hand(held: Held): Attachment<HTMLElement> {
  return (element) => {
    let rest: ReturnType<typeof setTimeout> | undefined;
    let downX = 0;
    const on = <K extends keyof HTMLElementEventMap>(type: K, listen: (event: HTMLElementEventMap[K]) => void) => element.addEventListener(type, listen);
    const at = (event: PointerEvent): number | null => {
      const area = held.area();
      return area && held.count() > 0 ? bucketAt(area, event.clientX - element.getBoundingClientRect().left, held.count()) : null;
    };
    const select = () => held.zoom && held.read({ ...held.reading(), anchor: held.reading().at }, false);

    on("pointerdown", (event) => {
      if (event.button !== 0 || at(event) === null) return;
      held.read({ at: at(event), anchor: null }, false);
      element.setPointerCapture(event.pointerId);
      downX = event.clientX;
      if (event.pointerType === "mouse") select();
      else rest = setTimeout(select, REST_MS);
    });
    on("pointermove", (event) => {
      const to = at(event);
      if (to === held.reading().at) return;
      clearTimeout(rest);
      held.read({ at: to, anchor: event.buttons === 0 ? null : held.reading().anchor }, false);
    });
    on("pointerup", (event) => {
      clearTimeout(rest);
      if (selectionOf(held.reading()) && Math.abs(event.clientX - downX) >= SLACK_PX) held.zoom?.();
      else held.read({ ...held.reading(), anchor: null }, false);
    });
    const leave = () => {
      clearTimeout(rest);
      held.read(nothing, false);
    };
    on("pointercancel", leave);
    on("pointerleave", (event) => event.pointerType === "touch" || leave()); // what a finger has read stays until it taps elsewhere
    on("blur", leave);
    on("keydown", (event) => {
      if (event.key === "Enter") return held.zoom?.();
      const to = afterKey(event.key, event.shiftKey && held.zoom !== null, held.reading(), held.count(), held.start());
      if (!to) return;
      event.preventDefault();
      held.read(to, true);
    });
    return () => clearTimeout(rest);
  };
}
