import { WatchSettings, type WatchSettingsView } from '@slipway/contracts';
import { type ChangeBy, type Database, recordEvent, toJson } from '@slipway/platform';

/** How deployments are judged. */
export class WatchSettingsStore {
  constructor(private readonly db: Database) {}

  async get(deploymentId: string): Promise<WatchSettingsView> {
    const row = await this.db.watchSettings.findUnique({ where: { deploymentId } });
    return { ...settingsOf(row?.settings), updatedAt: row?.updatedAt.toISOString() ?? null, updatedBy: row?.updatedBy ?? null };
  }

  /** Settings by deployment; those without a row have the defaults. */
  async ofAll(deploymentIds: readonly string[]): Promise<ReadonlyMap<string, WatchSettings>> {
    const rows = await this.db.watchSettings.findMany({ where: { deploymentId: { in: [...deploymentIds] } } });
    const found = new Map(rows.map(({ deploymentId, settings }) => [deploymentId, settingsOf(settings)]));
    return new Map(deploymentIds.map((id) => [id, found.get(id) ?? settingsOf(undefined)]));
  }

  /** Puts settings in place of those before. */
  async set(by: ChangeBy, deployment: { readonly id: string; readonly name: string }, settings: WatchSettings): Promise<WatchSettingsView> {
    await this.db.$transaction(async (tx) => {
      const before = await tx.watchSettings.findUnique({ where: { deploymentId: deployment.id } });
      const data = { settings: toJson(settings), updatedBy: by.actor, updatedAt: new Date() };
      await tx.watchSettings.upsert({
        where: { deploymentId: deployment.id },
        create: { deploymentId: deployment.id, projectId: by.projectId, ...data },
        update: data,
      });
      await recordEvent(tx, {
        ...by,
        action: 'deployment.watch-changed',
        subject: { kind: 'deployment', id: deployment.id, name: deployment.name },
        before: before?.settings ?? undefined,
        after: settings,
      });
    });
    return this.get(deployment.id);
  }
}

/** A row from before a field existed has its default. */
function settingsOf(row: unknown): WatchSettings {
  return WatchSettings.safeParse(row ?? {}).data ?? WatchSettings.parse({});
}
