/** A box on the screen, in CSS pixels. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Place {
  left: number;
  top: number;
  maxHeight: number;
}

const GAP = 6;
const MARGIN = 8;

/** Where a panel goes that belongs to an anchor: below it, or above where there is more room, and never beyond the screen. */
export function place(anchor: Box, panel: { width: number; height: number }, screen: { width: number; height: number }, align: "start" | "end"): Place {
  const wished = align === "start" ? anchor.left : anchor.left + anchor.width - panel.width;
  const left = Math.max(MARGIN, Math.min(wished, screen.width - panel.width - MARGIN));
  const below = screen.height - anchor.top - anchor.height - GAP - MARGIN;
  const above = anchor.top - GAP - MARGIN;
  if (panel.height <= below || below >= above) return { left, top: anchor.top + anchor.height + GAP, maxHeight: Math.max(0, below) };
  return { left, top: Math.max(MARGIN, anchor.top - GAP - panel.height), maxHeight: above };
}
