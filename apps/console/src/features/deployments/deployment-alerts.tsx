'use client';

import Link from 'next/link';
import { ButtonLink } from '@/components/button';
import { Empty, ListView } from '@/components/faces';
import { Panel } from '@/components/panel';
import { Status } from '@/components/status';
import { Ago, Raw } from '@/components/text';
import { useAlertRules, useAlerts } from '@/lib/api/alerts';
import { ruleSentence } from '@/lib/text/rule-sentence';

/** The alerts and the rules of one deployment. */
export function DeploymentAlerts({ name }: { readonly name: string }) {
  const alerts = useAlerts();
  const rules = useAlertRules();
  const own = alerts.items?.filter((alert) => alert.deployment === name);
  const ownRules = rules.items?.filter((rule) => rule.params.deployment === name);
  const create = (
    <ButtonLink kind="primary" icon="plus" href={`/alerts/rules?new=1&deployment=${encodeURIComponent(name)}`}>
      Add a rule
    </ButtonLink>
  );
  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <Panel title="Alerts">
        <ListView
          list={{ ...alerts, items: own, hasNextPage: false }}
          empty={
            <Empty icon="bell" title="Nothing rings">
              {ownRules === undefined || ownRules.length === 0
                ? 'And nothing could: no rule watches this deployment.'
                : 'The rules beside say when they last looked.'}
            </Empty>
          }
        >
          {(items) => (
            <ul className="divide-y divide-line">
              {items.map((alert) => (
                <li key={alert.id} className="px-4 py-3 text-[0.8125rem]">
                  <div className="flex items-center justify-between gap-3">
                    <Link href={`/alerts/${encodeURIComponent(alert.id)}`} className="font-semibold hover:underline">
                      <Raw>{alert.rule}</Raw>
                    </Link>
                    <Status value={alert.state} />
                  </div>
                  <p className="mt-0.5 text-ink-2">{alert.judgement?.reason}</p>
                  <p className="text-xs text-ink-3">
                    <Ago at={alert.updatedAt} />
                  </p>
                </li>
              ))}
            </ul>
          )}
        </ListView>
      </Panel>
      <Panel title="Rules" actions={ownRules !== undefined && ownRules.length > 0 && create}>
        <ListView
          list={{ ...rules, items: ownRules, hasNextPage: false }}
          empty={
            <Empty icon="bell" title="No rule watches this deployment" action={create}>
              A rule says when to wake someone: error share or p95 above a value for a time.
            </Empty>
          }
        >
          {(items) => (
            <ul className="divide-y divide-line">
              {items.map((rule) => (
                <li key={rule.id} className="px-4 py-3 text-[0.8125rem]">
                  <div className="flex items-center justify-between gap-3">
                    <span className="font-semibold">
                      <Raw>{rule.name}</Raw>
                    </span>
                    <Status value={rule.enabled ? rule.state : 'SUSPENDED'} />
                  </div>
                  <p className="mt-0.5 text-ink-2">{ruleSentence(rule)}</p>
                  <p className="text-xs text-ink-3">
                    {rule.evaluatedAt === null ? (
                      'not evaluated yet'
                    ) : (
                      <>
                        looked <Ago at={rule.evaluatedAt} />
                        {rule.judgement === null ? '' : `: ${rule.judgement.reason}`}
                      </>
                    )}
                  </p>
                </li>
              ))}
            </ul>
          )}
        </ListView>
      </Panel>
    </div>
  );
}
