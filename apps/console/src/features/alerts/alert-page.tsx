'use client';

import type { AlertView } from '@slipway/contracts';
import { ButtonLink } from '@/components/button';
import { Empty, ListView, QueryView } from '@/components/faces';
import { Facts, PageHeader, Panel } from '@/components/panel';
import { Status } from '@/components/status';
import { Ago, Raw } from '@/components/text';
import { useAlert, useAlertRules, useDeliveries } from '@/lib/api/alerts';
import { formatNumber, formatRatio, formatSeconds } from '@/lib/text/format-number';
import { ruleSentence } from '@/lib/text/rule-sentence';
import { DeliveryTable } from './delivery-table';

/** One alert: what was seen, since when, who was told. */
export function AlertPage({ id }: { readonly id: string }) {
  const alert = useAlert(id);
  return <QueryView query={alert}>{(value) => <Loaded alert={value} />}</QueryView>;
}

function Loaded({ alert }: { readonly alert: AlertView }) {
  const rule = useAlertRules().items?.find((each) => each.name === alert.rule);
  const deliveries = useDeliveries();
  const format = alert.kind === 'error_ratio' ? formatRatio : alert.kind === 'latency_p95' ? formatSeconds : formatNumber;
  const moment = (at: string | null) => (at === null ? '–' : <Ago at={at} />);
  return (
    <>
      <PageHeader
        title={<Raw>{alert.rule}</Raw>}
        above={[{ href: '/alerts', label: 'Alerts' }]}
        beside={
          <>
            <Status value={alert.state} />
            <Status value={alert.severity} />
          </>
        }
        below={rule === undefined ? undefined : ruleSentence(rule)}
        actions={
          <ButtonLink kind="primary" icon="arrow" href={`/deployments/${encodeURIComponent(alert.deployment)}`}>
            Open {alert.deployment}
          </ButtonLink>
        }
      />
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <Panel title="What was seen">
          {alert.judgement === null ? (
            <p className="p-4 text-[0.8125rem] text-ink-3">No judgement is kept with this alert.</p>
          ) : (
            <>
              <p className="px-4 pt-4 text-[0.8125rem]">
                <Raw max={400}>{alert.judgement.reason}</Raw>
              </p>
              <Facts
                items={[
                  ['Value', alert.judgement.value === null ? '–' : format(alert.judgement.value)],
                  ['Threshold', alert.judgement.threshold === null ? '–' : format(alert.judgement.threshold)],
                  ['Looked at', formatNumber(alert.judgement.n)],
                ]}
              />
            </>
          )}
        </Panel>
        <Panel title="When">
          <Facts
            items={[
              ['Condition true', moment(alert.pendingAt)],
              ['Firing', moment(alert.firingAt)],
              ['Resolved', moment(alert.resolvedAt)],
              [
                'Fingerprint',
                <code key="f" className="font-mono text-xs">
                  {alert.fingerprint}
                </code>,
              ],
              ...Object.entries(alert.labels).map(([name, value]) => [name, <Raw key={name}>{value}</Raw>] as const),
            ]}
          />
        </Panel>
        <Panel title="Notifications" className="overflow-hidden xl:col-span-2">
          <ListView
            list={{ ...deliveries, items: deliveries.items?.filter((each) => each.alertId === alert.id), hasNextPage: false }}
            empty={
              <Empty icon="send" title="Nobody was told">
                The rule names no receiver, or the alert has not fired.
              </Empty>
            }
          >
            {(items) => <DeliveryTable items={items} />}
          </ListView>
        </Panel>
      </div>
    </>
  );
}
