/** A place in a grid, from 0. */
export interface Place {
  row: number;
  column: number;
}

/** Where a key leads from a place in a grid of so many rows and columns; null when it leads nowhere. */
export function stepped(at: Place, key: string, ctrl: boolean, rows: number, columns: number): Place | null {
  const last = { row: rows - 1, column: columns - 1 };
  const to = {
    ArrowLeft: { ...at, column: at.column - 1 },
    ArrowRight: { ...at, column: at.column + 1 },
    ArrowUp: { ...at, row: at.row - 1 },
    ArrowDown: { ...at, row: at.row + 1 },
    Home: { row: ctrl ? 0 : at.row, column: 0 },
    End: { row: ctrl ? last.row : at.row, column: last.column },
  }[key];
  return to ? within(to, rows, columns) : null;
}

/** The nearest place that there is. */
export const within = (at: Place, rows: number, columns: number): Place => ({
  row: Math.max(0, Math.min(at.row, rows - 1)),
  column: Math.max(0, Math.min(at.column, columns - 1)),
});
