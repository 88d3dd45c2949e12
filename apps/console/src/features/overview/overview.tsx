'use client';

import type { DeploymentSummary } from '@slipway/contracts';
import { useState } from 'react';
import { Button, ButtonLink } from '@/components/button';
import { DeployDialog } from '@/components/deploy/deploy-dialog';
import { Empty, ListView } from '@/components/faces';
import { PageHeader } from '@/components/panel';
import { useEvents } from '@/lib/api/access';
import { useAlertRules, useAlerts } from '@/lib/api/alerts';
import { useDeployments } from '@/lib/api/deployments';
import { useModels } from '@/lib/api/models';
import { plural } from '@/lib/text/format-number';
import { OverviewTable } from './overview-table';

/** One row per deployment: what serves, how it does, what rings. */
export function Overview() {
  const deployments = useDeployments();
  const [deploying, setDeploying] = useState(false);
  return (
    <>
      <PageHeader
        title="Overview"
        below={deployments.items && <Health deployments={deployments.items} />}
        actions={
          <Button kind="primary" icon="plus" onClick={() => setDeploying(true)}>
            New deployment
          </Button>
        }
      />
      <section aria-label="Deployments" className="card overflow-hidden">
        <ListView list={deployments} empty={<FirstSteps onDeploy={() => setDeploying(true)} />}>
          {(items) => <Rows items={items} />}
        </ListView>
      </section>
      {deploying && <DeployDialog onClose={() => setDeploying(false)} />}
    </>
  );
}

function Rows({ items }: { readonly items: readonly DeploymentSummary[] }) {
  const firing = useAlerts().items?.filter((alert) => alert.state === 'firing' || alert.state === 'pending') ?? [];
  const rules = useAlertRules().items;
  const events = useEvents({ subjectKind: 'deployment' }, 200).items ?? [];
  const rows = items.map((deployment) => ({
    deployment,
    alerts: firing.filter((alert) => alert.deployment === deployment.name),
    isWatched: rules === undefined || rules.some((rule) => rule.enabled && rule.params.deployment === deployment.name),
    lastChange: events.find((event) => event.subjectName === deployment.name && event.action !== 'deployment.status_changed'),
  }));
  return <OverviewTable rows={rows} />;
}

function Health({ deployments }: { readonly deployments: readonly DeploymentSummary[] }) {
  const ill = deployments.filter((each) => each.status === 'DEGRADED' || each.status === 'UNAVAILABLE');
  const alerts = useAlerts();
  const firing = alerts.items?.filter((alert) => alert.state === 'firing').length;
  if (deployments.length === 0) return null;
  if (ill.length === 0) {
    return (
      <span>
        {plural(deployments.length, 'deployment')}, {firing === 0 ? 'all in order' : 'all serving'}
        {firing !== undefined && firing > 0 && (
          <>
            , <strong className="text-bad">{plural(firing, 'alert')} firing</strong>
          </>
        )}
      </span>
    );
  }
  return (
    <span>
      {plural(deployments.length, 'deployment')}, <strong className="text-bad">{ill.length} in trouble</strong>:{' '}
      {ill.map((each) => each.name).join(', ')}
    </span>
  );
}

function FirstSteps({ onDeploy }: { readonly onDeploy: () => void }) {
  const models = useModels().items ?? [];
  if (models.length > 0) {
    return (
      <Empty
        icon="deploy"
        title="No deployment yet"
        action={
          <Button kind="primary" icon="deploy" onClick={onDeploy}>
            Deploy a model
          </Button>
        }
      >
        A deployment is the name that callers use. It serves one version at a time and can be moved to another, or back, without losing a request.
      </Empty>
    );
  }
  return (
    <Empty
      icon="model"
      title="Nothing here yet"
      action={
        <ButtonLink kind="primary" icon="upload" href="/models">
          Add the first model
        </ButtonLink>
      }
    >
      Add a model, upload an ONNX file as its first version, then deploy it. From there on this page shows how it does: traffic, latency, failures,
      resources and alerts.
    </Empty>
  );
}
