'use client';

import { CreateAlertRule, isMeasuredKind, ruleKinds } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import Link from 'next/link';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { useNotify } from '@/components/notices';
import { useReceivers } from '@/lib/api/alerts';
import { callVoid } from '@/lib/api/api.client';
import { useDeployments } from '@/lib/api/deployments';
import { ruleSentence, ruleWords } from '@/lib/text/rule-sentence';

type Kind = (typeof ruleKinds)[number];
const shortNames: Readonly<Partial<Record<Kind, string>>> = { error_ratio: 'errors', latency_p95: 'latency' };
const units: Readonly<Record<'error_ratio' | 'latency_p95', { readonly unit: string; readonly factor: number; readonly first: string }>> = {
  error_ratio: { unit: '%', factor: 0.01, first: '5' },
  latency_p95: { unit: 'ms', factor: 0.001, first: '250' },
};
const holds = [
  [0, 'at any evaluation'],
  [30, 'for 30 s'],
  [60, 'for 1 min'],
  [300, 'for 5 min'],
  [900, 'for 15 min'],
] as const;

/** A rule in sentence form: when … is above … for … then notify …. */
export function CreateRuleDialog({ deployment: given, onClose }: { readonly deployment: string; readonly onClose: () => void }) {
  const client = useQueryClient();
  const notify = useNotify();
  const deployments = useDeployments().items ?? [];
  const receivers = useReceivers().items ?? [];
  const [kind, setKind] = useState<Kind>('error_ratio');
  const [deployment, setDeployment] = useState(given);
  const [threshold, setThreshold] = useState(units.error_ratio.first);
  const [subject, setSubject] = useState('');
  const [hold, setHold] = useState(60);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [severity, setSeverity] = useState('ticket');
  const [windowSeconds, setWindowSeconds] = useState('60');
  const [minRequests, setMinRequests] = useState('10');
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();

  const unit = isMeasuredKind(kind) ? units[kind] : undefined;
  const finalName = name.trim() || `${deployment || 'deployment'}-${shortNames[kind] ?? kind}`;
  const rule = {
    name: finalName,
    kind,
    params: {
      deployment,
      ...(unit === undefined
        ? subject.trim() !== '' && { subject: subject.trim() }
        : {
            threshold: Number((Number(threshold) * unit.factor).toPrecision(12)),
            windowSeconds: Number(windowSeconds),
            minRequests: Number(minRequests),
          }),
    },
    for: hold,
    severity,
    receivers: [...chosen],
  };
  const checked = CreateAlertRule.safeParse(rule);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    if (!checked.success) {
      const [first] = checked.error.issues;
      return setError(new Error(first === undefined ? 'The rule is not valid.' : `${first.path.join('.')}: ${first.message}`));
    }
    setBusy(true);
    try {
      await callVoid('/v1/alert-rules', { method: 'POST', body: rule });
      void client.invalidateQueries({ queryKey: ['alert-rules'] });
      notify(`${finalName} is on watch`);
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Add a rule" onClose={onClose} width="38rem">
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-2 rounded-lg border border-line bg-sunken p-4 text-[0.9375rem] leading-9">
          <span>When</span>
          <select
            aria-label="What is watched"
            className="control !w-auto"
            value={kind}
            onChange={(event) => {
              const next = ruleKinds.find((each) => each === event.target.value) ?? 'error_ratio';
              setKind(next);
              if (isMeasuredKind(next)) setThreshold(units[next].first);
              // What is judged over hours needs no waiting on top.
              setHold(isMeasuredKind(next) ? 60 : 0);
            }}
          >
            {ruleKinds.map((value) => (
              <option key={value} value={value}>
                {ruleWords[value]}
              </option>
            ))}
          </select>
          <span>of</span>
          <select
            aria-label="Deployment"
            className="control !w-auto max-w-full"
            required
            value={deployment}
            onChange={(event) => setDeployment(event.target.value)}
          >
            <option value="">choose a deployment</option>
            {given !== '' && !deployments.some((each) => each.name === given) && <option>{given}</option>}
            {deployments.map((each) => (
              <option key={each.id}>{each.name}</option>
            ))}
          </select>
          {unit === undefined ? (
            <span>is judged an alarm</span>
          ) : (
            <>
              <span>is above</span>
              <span className="flex items-center gap-1.5">
                <input
                  aria-label={`Threshold in ${unit.unit}`}
                  type="number"
                  min="0"
                  step="any"
                  required
                  className="control !w-24"
                  value={threshold}
                  onChange={(event) => setThreshold(event.target.value)}
                />
                {unit.unit}
              </span>
            </>
          )}
          <select aria-label="For how long" className="control !w-auto" value={hold} onChange={(event) => setHold(Number(event.target.value))}>
            {holds.map(([seconds, word]) => (
              <option key={seconds} value={seconds}>
                {word}
              </option>
            ))}
          </select>
          <span>then notify</span>
          <Receivers names={receivers.map((each) => each.name)} chosen={chosen} onChange={setChosen} />
        </div>
        <p className="text-xs text-ink-3" aria-live="polite">
          {checked.success
            ? ruleSentence({
                ...checked.data,
                params: { ...checked.data.params, threshold: checked.data.params.threshold ?? null, subject: checked.data.params.subject ?? null },
                receivers: [...chosen],
              })
            : ''}
        </p>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" optional>
            {(props) => (
              <input
                {...props}
                className="control"
                placeholder={finalName}
                autoComplete="off"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <Field label="Severity">
            {(props) => (
              <select {...props} className="control" value={severity} onChange={(event) => setSeverity(event.target.value)}>
                <option value="page">Page: wake someone</option>
                <option value="ticket">Ticket: look at it in the morning</option>
                <option value="info">Info</option>
              </select>
            )}
          </Field>
        </div>
        {unit === undefined ? (
          <Field label="Only for" optional hint="A feature, metric, probe, series or objective by its name; all of them without it.">
            {(props) => (
              <input {...props} className="control" autoComplete="off" value={subject} onChange={(event) => setSubject(event.target.value)} />
            )}
          </Field>
        ) : (
          <details>
            <summary className="min-h-6 text-[0.8125rem] text-ink-2">How it is measured</summary>
            <div className="mt-3 grid gap-4 sm:grid-cols-2">
              <Field label="Window, seconds" hint="The figure is taken over this long.">
                {(props) => (
                  <input
                    {...props}
                    type="number"
                    min={10}
                    max={86_400}
                    className="control"
                    value={windowSeconds}
                    onChange={(event) => setWindowSeconds(event.target.value)}
                  />
                )}
              </Field>
              <Field label="Least requests" hint="Below this many the rule says: too little to judge.">
                {(props) => (
                  <input
                    {...props}
                    type="number"
                    min={1}
                    className="control"
                    value={minRequests}
                    onChange={(event) => setMinRequests(event.target.value)}
                  />
                )}
              </Field>
            </div>
          </details>
        )}
        <Problem error={error} />
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" busy={busy} disabled={deployment === ''}>
            Add rule
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface ReceiversProps {
  readonly names: readonly string[];
  readonly chosen: readonly string[];
  readonly onChange: (names: readonly string[]) => void;
}

function Receivers({ names, chosen, onChange }: ReceiversProps) {
  if (names.length === 0) {
    return (
      <span className="text-[0.8125rem] text-ink-2">
        nobody yet (
        <Link href="/alerts/receivers" className="link">
          add a receiver
        </Link>
        )
      </span>
    );
  }
  return (
    <fieldset className="flex flex-wrap gap-x-3 text-[0.8125rem]">
      <legend className="sr-only">Receivers</legend>
      {names.map((name) => (
        <label key={name} className="inline-flex min-h-8 items-center gap-1.5">
          <input
            type="checkbox"
            className="size-4 accent-(--accent)"
            checked={chosen.includes(name)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, name] : chosen.filter((each) => each !== name))}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
