import type { ModelView } from '@slipway/contracts';
import { toTags } from '../versions/version-mapper.js';

export interface AliasRow {
  readonly name: string;
  readonly version: { readonly number: number };
  readonly updatedAt: Date;
  readonly updatedBy: string;
}

export interface ModelRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly tags: unknown;
  readonly createdAt: Date;
  readonly aliases: readonly AliasRow[];
}

/** How many versions a model has, and the highest number of them. */
export interface VersionCount {
  readonly count: number;
  readonly latest: number | null;
}

export type AliasView = ModelView['aliases'][number];

export function toModelView(row: ModelRow, versions: VersionCount): ModelView {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    tags: toTags(row.tags),
    createdAt: row.createdAt.toISOString(),
    versionCount: versions.count,
    latestVersion: versions.latest,
    aliases: row.aliases.map(toAliasView),
  };
}

export function toAliasView(row: AliasRow): AliasView {
  return { name: row.name, version: row.version.number, updatedAt: row.updatedAt.toISOString(), updatedBy: row.updatedBy };
}
