import { expect, it } from 'vitest';
import { keysOfEvent } from './keys-of-event';

it.each([
  { event: 'deployment.rolled_back', keys: ['deployments', 'events'] },
  { event: 'version.validated', keys: ['models', 'deployments', 'events'] },
  { event: 'alert_rule.created', keys: ['alert-rules', 'alerts', 'events'] },
  { event: 'alert.fired', keys: ['alerts', 'alert-rules', 'deliveries', 'events'] },
  { event: 'batch-prediction.completed', keys: ['batch-predictions', 'events'] },
  { event: 'routing', keys: ['deployments'] },
  { event: 'something.new', keys: ['events'] },
])('makes $keys stale on $event', ({ event, keys }) => {
  expect(keysOfEvent(event)).toEqual(keys);
});
