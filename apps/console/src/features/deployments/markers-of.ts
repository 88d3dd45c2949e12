import type { EventView, RevisionView } from '@slipway/contracts';
import type { ChartMarker } from '@/components/charts/chart-props';

/** Completed rollouts and rollbacks, as the log tells them; a revision's own time of activation where the log has gone. */
export function markersOf(
  revisions: readonly Pick<RevisionView, 'revision' | 'version' | 'activatedAt'>[],
  events: readonly EventView[],
): readonly ChartMarker[] {
  const versionOf = new Map(revisions.map((each) => [each.revision, each.version]));
  const rollbacks = events
    .filter((event) => event.action === 'deployment.rolled_back')
    .map((event): ChartMarker => marker(event, 'rollback', numberIn(event.after, 'version')));
  const rollouts = events
    .filter((event) => event.action === 'rollout.completed')
    .map((event): ChartMarker => marker(event, 'deploy', versionOf.get(numberIn(event.after, 'to') ?? -1)));
  const known = [...rollbacks, ...rollouts];
  const others = revisions.flatMap(({ version, activatedAt }): ChartMarker[] => {
    const at = activatedAt === null ? Number.NaN : Date.parse(activatedAt);
    return Number.isNaN(at) || known.some((each) => Math.abs(each.at - at) < sameMs) ? [] : [{ at, label: `v${version}`, kind: 'deploy' }];
  });
  return [...known, ...others].toSorted((a, b) => a.at - b.at);
}

/** An event and an activation this close tell of the same change. */
const sameMs = 5_000;

function marker(event: EventView, kind: ChartMarker['kind'], version: number | undefined): ChartMarker {
  const name = version === undefined ? 'another version' : `v${version}`;
  return { at: Date.parse(event.at), label: kind === 'rollback' ? `back to ${name}` : name, kind };
}

function numberIn(value: unknown, key: string): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, key);
  return typeof found === 'number' ? found : undefined;
}
