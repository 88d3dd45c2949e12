import { RevisionSpec } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeploymentState, servingRevision } from '../deployments/deployment-state.js';
import { type Host, hostSilentAfterMs } from '../hosts/host.js';
import type { Revision } from '../revisions/revision.js';
import { host, instance, noon, revision, rollout, secondsAgo, state } from '../testing/build-state.js';
import type { Instance } from './instance.js';
import { type InstancePlan, planInstances } from './plan-instances.js';
import { wantedRevisions, warmRevisionsMax } from './wanted-revisions.js';

const one = [host('h1')];
const startsOf = (plan: InstancePlan) => plan.starts.map((start) => `${start.revisionId}@${start.hostId}`);
const stopsOf = (plan: InstancePlan) => plan.stops.map((stop) => stop.instanceId);

describe('planInstances', () => {
  it.each<{ name: string; given: Parameters<typeof state>[0]; hosts?: readonly Host[]; starts?: string[]; stops?: string[]; unplaced?: number }>([
    {
      name: 'starts the candidate of a first rollout',
      given: { revisions: [revision(1, { replicas: 2 })], rollout: rollout('r1') },
      starts: ['r1@h1', 'r1@h1'],
    },
    {
      name: 'keeps the active revision while a candidate loads',
      given: { active: 'r1', revisions: [revision(1), revision(2)], rollout: rollout('r2'), instances: [instance('a', 'r1')] },
      starts: ['r2@h1'],
    },
    {
      name: 'starts nothing for an aborted rollout and stops its candidate',
      given: {
        active: 'r1',
        revisions: [revision(1), revision(2)],
        rollout: rollout('r2', { status: 'ABORTED' }),
        instances: [instance('a', 'r1'), instance('b', 'r2')],
      },
      stops: ['b'],
    },
    {
      name: 'stops the candidate of a rollout that was asked to end',
      given: {
        active: 'r1',
        revisions: [revision(1), revision(2)],
        rollout: rollout('r2', { wish: 'abort' }),
        instances: [instance('a', 'r1'), instance('b', 'r2')],
      },
      stops: ['b'],
    },
    {
      name: 'starts nothing for a rollout of an older epoch',
      given: { active: 'r1', wish: { epoch: 2 }, revisions: [revision(1), revision(2)], rollout: rollout('r2'), instances: [instance('a', 'r1')] },
    },
    {
      name: 'keeps a retired revision warm',
      given: {
        active: 'r2',
        revisions: [revision(1, { retiredAt: secondsAgo(599) }), revision(2)],
        instances: [instance('a', 'r1'), instance('b', 'r2')],
      },
    },
    {
      name: 'stops a retired revision after its time',
      given: {
        active: 'r2',
        revisions: [revision(1, { retiredAt: secondsAgo(601) }), revision(2)],
        instances: [instance('a', 'r1'), instance('b', 'r2')],
      },
      stops: ['a'],
    },
    {
      name: 'keeps the two latest retired revisions warm and no more',
      given: {
        active: 'r4',
        revisions: [1, 2, 3].map((k) => revision(k, { retiredAt: secondsAgo(100 - k) })).concat(revision(4)),
        instances: [1, 2, 3, 4].map((k) => instance(`i${k}`, `r${k}`)),
      },
      stops: ['i1'],
    },
    {
      name: 'keeps nothing warm when told so',
      given: {
        active: 'r2',
        revisions: [revision(1, { retiredAt: secondsAgo(0), keepWarmSeconds: 0 }), revision(2)],
        instances: [instance('a', 'r1'), instance('b', 'r2')],
      },
      stops: ['a'],
    },
    {
      name: 'starts a cold target of a rollback and keeps what serves',
      given: {
        active: 'r2',
        wish: { kind: 'ROLLBACK', desiredRevisionId: 'r1' },
        revisions: [revision(1), revision(2)],
        instances: [instance('b', 'r2')],
      },
      starts: ['r1@h1'],
    },
    {
      name: 'keeps what an overtaken rollback serves, though it is not the active revision',
      given: {
        active: 'r2',
        wish: { epoch: 3, desiredRevisionId: 'r3' },
        revisions: [revision(1), revision(2), revision(3)],
        rollout: rollout('r3', { epoch: 3, fromRevisionId: 'r1', status: 'ABORTED' }),
        instances: [instance('a', 'r1'), instance('b', 'r2')],
      },
    },
    {
      name: 'stops everything of a suspended deployment',
      given: { active: 'r1', wish: { suspended: true }, revisions: [revision(1)], instances: [instance('a', 'r1')] },
      stops: ['a'],
    },
    {
      name: 'stops everything of a deleted deployment',
      given: { active: 'r1', wish: { deletedAt: noon }, revisions: [revision(1)], instances: [instance('a', 'r1')] },
      stops: ['a'],
    },
    {
      name: 'replaces an instance that is gone',
      given: { active: 'r1', revisions: [revision(1)], instances: [instance('a', 'r1', { status: 'GONE' })] },
      starts: ['r1@h1'],
    },
    {
      name: 'waits a second before it replaces a failed one',
      given: { active: 'r1', revisions: [revision(1)], instances: [instance('a', 'r1', { status: 'FAILED', updatedAt: secondsAgo(0.9) })] },
    },
    {
      name: 'replaces a failed one after a second',
      given: { active: 'r1', revisions: [revision(1)], instances: [instance('a', 'r1', { status: 'FAILED', updatedAt: secondsAgo(1) })] },
      starts: ['r1@h1'],
    },
    {
      name: 'waits four seconds after three failures',
      given: {
        active: 'r1',
        revisions: [revision(1)],
        instances: ['a', 'b', 'c'].map((id) => instance(id, 'r1', { status: 'FAILED', updatedAt: secondsAgo(3.9) })),
      },
    },
    {
      name: 'waits a minute at most',
      given: {
        active: 'r1',
        revisions: [revision(1)],
        instances: Array.from({ length: 20 }, (_, k) => instance(`f${k}`, 'r1', { status: 'FAILED', updatedAt: secondsAgo(60) })),
      },
      starts: ['r1@h1'],
    },
    { name: 'says what it cannot place', given: { active: 'r1', revisions: [revision(1, { replicas: 3 })] }, hosts: [], unplaced: 3 },
    {
      name: 'stops nothing on a silent host that has no replacement',
      given: { active: 'r1', revisions: [revision(1)], instances: [instance('a', 'r1')] },
      hosts: [host('h1', { lastSeenAt: secondsAgo(6) })],
      unplaced: 1,
    },
    {
      name: 'replaces elsewhere what is on a silent host, without stopping it yet',
      given: { active: 'r1', revisions: [revision(1)], instances: [instance('a', 'r1')] },
      hosts: [host('h1', { lastSeenAt: secondsAgo(6) }), host('h2')],
      starts: ['r1@h2'],
    },
    {
      name: 'stops what is on a silent host once the replacement is ready',
      given: { active: 'r1', revisions: [revision(1)], instances: [instance('a', 'r1'), instance('b', 'r1', { hostId: 'h2' })] },
      hosts: [host('h1', { lastSeenAt: secondsAgo(6) }), host('h2')],
      stops: ['a'],
    },
    {
      name: 'spreads replicas over hosts',
      given: { active: 'r1', revisions: [revision(1, { replicas: 4 })] },
      hosts: [host('h1'), host('h2')],
      starts: ['r1@h1', 'r1@h2', 'r1@h1', 'r1@h2'],
    },
    {
      name: 'prefers a host with room',
      given: { active: 'r1', revisions: [revision(1, { memoryBytes: 950 })] },
      hosts: [host('h1', { memoryBytes: 1_000 }), host('h2', { memoryBytes: 2_000 })],
      starts: ['r1@h2'],
    },
    {
      name: 'counts what a revision may take, not what it was seen to take, where it states a limit',
      given: { active: 'r1', revisions: [revision(1, { memoryBytes: 1, spec: RevisionSpec.parse({ memoryLimitBytes: 100 * 1024 ** 2 }) })] },
      hosts: [host('h1', { memoryBytes: 90 * 1024 ** 2 }), host('h2', { memoryBytes: 120 * 1024 ** 2 })],
      starts: ['r1@h2'],
    },
    {
      name: 'prefers the host that has the wished threads left',
      given: {
        active: 'r1',
        revisions: [revision(1, { spec: RevisionSpec.parse({ intraOpThreads: 4 }) })],
      },
      hosts: [host('h1', { cores: 2 }), host('h2', { cores: 4 })],
      starts: ['r1@h2'],
    },
    {
      name: 'gives each instance its GPUs and no more than there are',
      given: { active: 'r1', revisions: [revision(1, { replicas: 3, spec: RevisionSpec.parse({ gpus: 1 }) })] },
      hosts: [host('h1'), host('h2', { gpus: 2 })],
      starts: ['r1@h2', 'r1@h2'],
      unplaced: 1,
    },
    {
      name: 'places nothing new on a cordoned host, and leaves alone what is there',
      given: { active: 'r1', revisions: [revision(1, { replicas: 2 })], instances: [instance('a', 'r1')] },
      hosts: [host('h1', { schedulable: false }), host('h2')],
      starts: ['r1@h2'],
    },
    {
      name: 'replaces elsewhere what is on a draining host, without stopping it yet',
      given: { active: 'r1', revisions: [revision(1)], instances: [instance('a', 'r1')] },
      hosts: [host('h1', { draining: true }), host('h2')],
      starts: ['r1@h2'],
    },
    {
      name: 'stops what is on a draining host once the replacement is ready',
      given: { active: 'r1', revisions: [revision(1)], instances: [instance('a', 'r1'), instance('b', 'r1', { hostId: 'h2' })] },
      hosts: [host('h1', { draining: true }), host('h2')],
      stops: ['a'],
    },
    {
      name: 'leaves the only instance on a draining host where nothing else has room',
      given: { active: 'r1', revisions: [revision(1)], instances: [instance('a', 'r1')] },
      hosts: [host('h1', { draining: true })],
      unplaced: 1,
    },
    {
      name: 'fills no host beyond its memory',
      given: { active: 'r1', revisions: [revision(1, { replicas: 2, memoryBytes: 500 })] },
      hosts: [host('h1', { memoryBytes: 1_000 })],
      starts: ['r1@h1'],
      unplaced: 1,
    },
    {
      name: 'ends what is only kept warm, the coldest first, for a candidate that finds no room',
      given: {
        active: 'r3',
        revisions: [revision(1, { retiredAt: secondsAgo(90) }), revision(2, { retiredAt: secondsAgo(50) }), revision(3), revision(4)],
        rollout: rollout('r4'),
        instances: [1, 2, 3].map((k) => instance(`i${k}`, `r${k}`)),
      },
      hosts: [host('h1', { memoryBytes: 400 })],
      stops: ['i1'],
      unplaced: 1,
    },
    {
      name: 'waits for what it has ended before it ends more',
      given: {
        active: 'r3',
        revisions: [revision(1, { retiredAt: secondsAgo(90) }), revision(2, { retiredAt: secondsAgo(50) }), revision(3), revision(4)],
        rollout: rollout('r4'),
        instances: [instance('i1', 'r1', { wish: 'STOP', status: 'DRAINING' }), instance('i2', 'r2'), instance('i3', 'r3')],
      },
      hosts: [host('h1', { memoryBytes: 400 })],
      // The candidate, and the warm revision that would have its place.
      unplaced: 2,
    },
    {
      name: 'ends nothing where that would not be enough',
      given: {
        active: 'r2',
        revisions: [revision(1, { retiredAt: secondsAgo(90) }), revision(2), revision(3, { memoryBytes: 5_000 })],
        rollout: rollout('r3'),
        instances: [instance('i1', 'r1'), instance('i2', 'r2')],
      },
      hosts: [host('h1', { memoryBytes: 1_000 })],
      unplaced: 1,
    },
    {
      name: 'stops surplus that is not ready, not what serves',
      given: {
        active: 'r1',
        revisions: [revision(1)],
        instances: [instance('a', 'r1', { status: 'LOADING', createdAt: secondsAgo(90) }), instance('b', 'r1')],
      },
      stops: ['a'],
    },
  ])('$name', ({ given, hosts = one, starts = [], stops = [], unplaced = 0 }) => {
    const plan = planInstances([state(given)], hosts, noon);
    expect({ starts: startsOf(plan), stops: stopsOf(plan), unplaced: plan.unplaced }).toEqual({ starts, stops, unplaced });
  });
});

describe('a plan that leaves something out', () => {
  const GiB = 1024 ** 3;
  const given = (unplacedReason?: string) =>
    state({ active: 'r1', revisions: [revision(1, { memoryBytes: 1.5 * GiB, unplacedReason })], instances: [] });
  const reasonsOf = (plan: InstancePlan) => plan.reasons.map(({ revisionId, reason }) => ({ revisionId, reason }));

  it('says what is missing on which hosts, the roomiest first', () => {
    const hosts = [host('h1', { memoryBytes: 0.5 * GiB }), host('h2', { memoryBytes: GiB })];
    const reason = 'no host has room: an instance needs 1.5 GiB of memory; "h2" has 922 MiB of 922 MiB left; "h1" has 461 MiB of 461 MiB left';
    expect(reasonsOf(planInstances([given()], hosts, noon))).toEqual([{ revisionId: 'r1', reason }]);
    expect(reasonsOf(planInstances([given(reason)], hosts, noon))).toEqual([]);
  });

  it('names three hosts, and what each of them lacks', () => {
    const spec = RevisionSpec.parse({ gpus: 2, hostLabels: { zone: 'a' } });
    const asked = state({ active: 'r1', revisions: [revision(1, { memoryBytes: GiB, spec })] });
    const roomy = { memoryBytes: 4 * GiB, gpus: 2, labels: { zone: 'a' } };
    const hosts = [
      host('h1', { ...roomy, gpus: 1 }),
      host('h2', { ...roomy, labels: { zone: 'b' } }),
      host('h3', { ...roomy, schedulable: false }),
      host('h4', { ...roomy, memoryBytes: GiB }),
    ];
    const reason =
      'no host has room: an instance needs 1.0 GiB of memory, 2 GPUs, a host with zone=a; "h4" has 922 MiB of 922 MiB left; ' +
      '"h1" has 1 of 1 GPUs left; "h2" is not labelled zone=a; 1 more host does not do either';
    expect(reasonsOf(planInstances([asked], hosts, noon))).toEqual([{ revisionId: 'r1', reason }]);
    expect(startsOf(planInstances([asked], [...hosts, host('h5', roomy)], noon))).toEqual(['r1@h5']);
  });

  it('says that no host is alive', () => {
    expect(reasonsOf(planInstances([given()], [], noon))).toEqual([{ revisionId: 'r1', reason: 'no host is alive' }]);
  });

  it('takes that back when there is room again', () => {
    const plan = planInstances([given('no host is alive')], [host('h1', { memoryBytes: 4 * GiB })], noon);
    expect(reasonsOf(plan)).toEqual([{ revisionId: 'r1', reason: undefined }]);
    expect(startsOf(plan)).toEqual(['r1@h1']);
  });
});

const anyInstance = fc.record({
  revision: fc.integer({ min: 1, max: 4 }),
  hostId: fc.constantFrom('h1', 'h2', 'h3'),
  status: fc.constantFrom<Instance['status']>('ASSIGNED', 'LOADING', 'READY', 'READY', 'DRAINING', 'FAILED', 'GONE'),
  wish: fc.constantFrom<Instance['wish']>('RUN', 'RUN', 'RUN', 'STOP'),
  age: fc.integer({ min: 0, max: 900 }),
});
const anyState = fc
  .record({
    active: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    desired: fc.integer({ min: 1, max: 4 }),
    kind: fc.constantFrom('DEPLOY' as const, 'ROLLBACK' as const),
    suspended: fc.boolean(),
    to: fc.integer({ min: 1, max: 4 }),
    from: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    status: fc.constantFrom('PROGRESSING' as const, 'COMPLETED' as const, 'ABORTED' as const),
    wished: fc.option(fc.constantFrom('abort' as const, 'supersede' as const), { nil: undefined }),
    retired: fc.array(fc.option(fc.integer({ min: 0, max: 900 }), { nil: undefined }), { minLength: 4, maxLength: 4 }),
    replicas: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 4 }),
    instances: fc.array(anyInstance, { maxLength: 10 }),
  })
  .map((any) =>
    state({
      active: any.active === undefined ? undefined : `r${any.active}`,
      wish: { kind: any.kind, desiredRevisionId: `r${any.desired}`, suspended: any.suspended },
      rollout: rollout(`r${any.to}`, { status: any.status, wish: any.wished, fromRevisionId: any.from === undefined ? undefined : `r${any.from}` }),
      revisions: any.replicas.map((replicas, at): Revision => {
        const retired = any.retired[at];
        return revision(at + 1, { replicas, retiredAt: retired === undefined ? undefined : secondsAgo(retired) });
      }),
      instances: any.instances.map((each, at) =>
        instance(`i${at}`, `r${each.revision}`, {
          hostId: each.hostId,
          status: each.status,
          wish: each.wish,
          createdAt: secondsAgo(each.age),
          updatedAt: secondsAgo(each.age),
        }),
      ),
    }),
  );
const anyHosts = fc
  .subarray(['h1', 'h2', 'h3'])
  .chain((ids) => fc.tuple(...ids.map((id) => fc.integer({ min: 0, max: 30 }).map((age) => host(id, { lastSeenAt: secondsAgo(age) })))))
  .map((hosts): readonly Host[] => hosts);

/** The state after the hosts have done what the plan says. */
function applyPlan(before: DeploymentState, plan: InstancePlan): DeploymentState {
  const stopped = new Set(stopsOf(plan));
  const started = plan.starts.map((start, at) => instance(`n${at}`, start.revisionId, { hostId: start.hostId, createdAt: noon, updatedAt: noon }));
  return {
    ...before,
    instances: [...before.instances.map((each) => (stopped.has(each.id) ? { ...each, wish: 'STOP' as const } : each)), ...started],
  };
}

describe('any plan', () => {
  it('never stops a ready instance of what serves unless enough others of it are ready', () => {
    fc.assert(
      fc.property(anyState, anyHosts, (before, hosts) => {
        const serving = servingRevision(before);
        if (serving === undefined) return;
        const after = applyPlan(before, { ...planInstances([before], hosts, noon), starts: [] });
        const ready = (at: DeploymentState) =>
          at.instances.filter((each) => each.revisionId === serving.id && each.status === 'READY' && each.wish === 'RUN').length;
        expect(ready(after)).toBeGreaterThanOrEqual(Math.min(ready(before), serving.replicas));
      }),
    );
  });

  it('is at rest after it was applied: planning again gives nothing new', () => {
    fc.assert(
      fc.property(anyState, anyHosts, (before, hosts) => {
        let at = before;
        // The second pass may stop what the first one's starts made superfluous; they count as ready here.
        for (let pass = 0; pass < 2; pass += 1) at = applyPlan(at, planInstances([at], hosts, noon));
        const plan = planInstances([at], hosts, noon);
        expect({ starts: startsOf(plan), stops: stopsOf(plan) }).toEqual({ starts: [], stops: [] });
      }),
    );
  });

  it('never places more on a host than nine tenths of its memory', () => {
    const small = fc.integer({ min: 100, max: 1_500 });
    fc.assert(
      fc.property(anyState, small, small, (before, one, two) => {
        const hosts = [host('h1', { memoryBytes: one }), host('h2', { memoryBytes: two })];
        const plan = planInstances([before], hosts, noon);
        for (const { id, memoryBytes } of hosts) {
          if (!plan.starts.some((start) => start.hostId === id)) continue;
          const there = before.instances.filter((each) => each.hostId === id && each.status !== 'GONE' && each.status !== 'FAILED').length;
          expect(100 * (there + plan.starts.filter((start) => start.hostId === id).length)).toBeLessThanOrEqual(0.9 * memoryBytes);
        }
      }),
    );
  });

  it('starts only on live hosts, only what is wanted, and never more than the replicas', () => {
    fc.assert(
      fc.property(anyState, anyHosts, (before, hosts) => {
        const plan = planInstances([before], hosts, noon);
        const live = hosts.filter((each) => noon.getTime() - each.lastSeenAt.getTime() < hostSilentAfterMs).map((each) => each.id);
        const wanted = wantedRevisions(before, noon);
        expect(wanted.filter(({ role }) => role === 'warm').length).toBeLessThanOrEqual(warmRevisionsMax);
        for (const start of plan.starts) expect(live).toContain(start.hostId);
        for (const { revision: each } of wanted) {
          expect(plan.starts.filter((start) => start.revisionId === each.id).length).toBeLessThanOrEqual(each.replicas);
        }
        const ids = new Set(wanted.map(({ revision: each }) => each.id));
        expect(plan.starts.every((start) => ids.has(start.revisionId))).toBe(true);
      }),
    );
  });
});
