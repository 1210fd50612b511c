import { type Attachment } from "svelte/attachments";

/** Calls back once, when an element comes into view. */
export const seen = (callback: () => void): Attachment => (element) => {
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((e) => e.isIntersecting)) return;
    watch.disconnect();
    callback();
  });
  watch.observe(element);
  return () => watch.disconnect();
};
