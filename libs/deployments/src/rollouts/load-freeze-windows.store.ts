import type { Prisma, Transaction } from '@slipway/platform';
import type { FreezeWindow } from './freeze-windows.js';

/** A project has no more freeze windows than this. */
export const freezeWindowsMax = 500;

/** The freeze windows of a project, those that are over included. */
export async function loadFreezeWindows(tx: Transaction, projectId: string): Promise<FreezeWindow[]> {
  const rows = await tx.freezeWindow.findMany({ where: { projectId }, orderBy: { nameFolded: 'asc' }, take: freezeWindowsMax });
  return rows.map(toFreezeWindow);
}

export function toFreezeWindow(row: Prisma.FreezeWindowGetPayload<object>): FreezeWindow {
  return {
    name: row.name,
    deploymentId: row.deploymentId ?? undefined,
    from: row.fromAt,
    to: row.toAt,
    weekly: row.weekly,
    reason: row.reason ?? undefined,
  };
}
