const keysByNoun: Readonly<Record<string, readonly string[]>> = {
  model: ['models'],
  version: ['models', 'deployments'],
  alias: ['models'],
  deployment: ['deployments'],
  revision: ['deployments'],
  rollout: ['deployments'],
  instance: ['deployments', 'hosts'],
  instances: ['deployments', 'hosts'],
  routing: ['deployments'],
  host: ['hosts'],
  alert: ['alerts', 'alert-rules', 'deliveries'],
  alerts: ['alerts', 'alert-rules', 'deliveries'],
  rule: ['alert-rules', 'alerts'],
  receiver: ['receivers', 'deliveries'],
  delivery: ['deliveries'],
  key: ['keys'],
  session: ['keys'],
  label: ['series'],
  batch: ['batch-predictions'],
  shadow: ['deployments'],
  dataset: ['models'],
  evaluation: ['models'],
  gate: ['models'],
  replay: ['replays'],
  quota: ['quotas'],
  plan: ['rollout-plans'],
  freeze: ['freeze-windows'],
};

/** Nudges that say "look again" without telling of a change that was logged. */
const nudges: readonly string[] = ['routing', 'instances', 'alerts', 'message'];

/** The roots of the query keys that an event (`noun.verb`, or the name of a nudge) makes stale. An unknown noun touches the log alone. */
export function keysOfEvent(event: string): readonly string[] {
  const noun = event.split(/[._-]/, 1)[0] ?? '';
  const first = event.startsWith('alert_rule') || event.startsWith('alert-rule') ? 'rule' : noun;
  const keys = keysByNoun[first] ?? [];
  return nudges.includes(event) ? keys : [...keys, 'events'];
}
