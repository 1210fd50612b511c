/** Calls back when the colours of the page change, until the returned function is called. */
export function watchColours(changed: () => void): () => void {
  const chosen = new MutationObserver(changed);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const media = ["(prefers-color-scheme: dark)", "print"].map((query) => matchMedia(query));
  for (const m of media) m.addEventListener("change", changed);
  return () => {
    chosen.disconnect();
    for (const m of media) m.removeEventListener("change", changed);
  };
}
