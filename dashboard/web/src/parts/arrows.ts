const steps: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at <= 0 ? count : at) - 1,
  Home: () => 0,
  End: (_, count) => count - 1,
};

/** A keydown handler for a list of buttons and links: the arrow keys, Home and End move the focus among them. */
export function arrows(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const step = steps[event.key];
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>("a[href], button:not(:disabled)")];
  if (!step || items.length === 0 || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  items[step(items.indexOf(document.activeElement as HTMLElement), items.length)]?.focus();
}
