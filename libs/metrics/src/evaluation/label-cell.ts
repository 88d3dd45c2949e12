/** The label in a cell of a table, as text; undefined when the cell has none. */
export function labelOf(cell: unknown): string | undefined {
  if (typeof cell === 'string') return cell.trim() === '' ? undefined : cell.trim();
  if (typeof cell === 'number') return Number.isNaN(cell) ? undefined : String(cell);
  if (typeof cell === 'bigint' || typeof cell === 'boolean') return String(cell);
  return undefined;
}

/** The number that a label says; undefined when it is none, or not finite. */
export function numberOf(label: string): number | undefined {
  if (label === 'true' || label === 'false') return Number(label === 'true');
  const number = label === '' ? Number.NaN : Number(label);
  return Number.isFinite(number) ? number : undefined;
}
