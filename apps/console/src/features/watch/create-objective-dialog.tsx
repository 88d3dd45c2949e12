'use client';

import { CreateSlo, type SloKind, type SloMetric, sloMetrics } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { useNotify } from '@/components/notices';
import { NumberInput } from '@/components/number-input';
import { callVoid, path } from '@/lib/api/api.client';
import { objectiveSentence } from '@/lib/text/objective-sentence';

const kinds: Readonly<Record<SloKind, string>> = {
  availability: 'Requests are answered',
  latency: 'Requests are answered in time',
  quality: 'Quality holds',
};

/** A promise in a sentence: which share of what over how long. */
export function CreateObjectiveDialog({ deployment, onClose }: { readonly deployment: string; readonly onClose: () => void }) {
  const client = useQueryClient();
  const notify = useNotify();
  const [kind, setKind] = useState<SloKind>('availability');
  const [percent, setPercent] = useState('99.9');
  const [days, setDays] = useState('30');
  const [thresholdMs, setThresholdMs] = useState('250');
  const [metric, setMetric] = useState<SloMetric>('accuracy');
  const [threshold, setThreshold] = useState('0.9');
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const finalName = name.trim() || kind;
  const parsed = CreateSlo.safeParse({
    kind,
    name: finalName,
    target: Number((Number(percent) / 100).toPrecision(12)),
    periodDays: Number(days),
    ...(kind === 'latency' && { thresholdMs: Number(thresholdMs) }),
    ...(kind === 'quality' && { metric, threshold: Number(threshold) }),
  });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!parsed.success) return setError(new Error(parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`).join('; ')));
    setBusy(true);
    setError(undefined);
    try {
      await callVoid(path`/v1/deployments/${deployment}/slos`, { method: 'POST', body: parsed.data });
      await client.invalidateQueries({ queryKey: ['series', 'slo', deployment] });
      notify(`${finalName} is on watch`);
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Add an objective to ${deployment}`} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <Field label="What is promised">
          {(props) => (
            <select {...props} className="control" value={kind} onChange={(event) => setKind(sloKindOf(event.target.value))}>
              {Object.entries(kinds).map(([value, word]) => (
                <option key={value} value={value}>
                  {word}
                </option>
              ))}
            </select>
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Share of good ones, %">{(props) => <NumberInput {...props} min={0} max={100} value={percent} onChange={setPercent} />}</Field>
          <Field label="Over, days">{(props) => <NumberInput {...props} min={7} max={90} step={1} value={days} onChange={setDays} />}</Field>
          {kind === 'latency' && (
            <Field label="Within, ms">{(props) => <NumberInput {...props} min={0} value={thresholdMs} onChange={setThresholdMs} />}</Field>
          )}
          {kind === 'quality' && (
            <>
              <Field label="Metric">
                {(props) => (
                  <select
                    {...props}
                    className="control"
                    value={metric}
                    onChange={(event) => setMetric(sloMetrics.find((each) => each === event.target.value) ?? 'accuracy')}
                  >
                    {sloMetrics.map((each) => (
                      <option key={each}>{each}</option>
                    ))}
                  </select>
                )}
              </Field>
              <Field label={metric === 'mae' || metric === 'rmse' ? 'At most' : 'At least'}>
                {(props) => <NumberInput {...props} value={threshold} onChange={setThreshold} />}
              </Field>
            </>
          )}
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
        </div>
        <p className="text-xs text-ink-3" aria-live="polite">
          {parsed.success ? `${objectiveSentence({ thresholdMs: null, metric: null, threshold: null, ...parsed.data })}.` : ''}
        </p>
        <Problem error={error} />
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" busy={busy}>
            Add objective
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function sloKindOf(text: string): SloKind {
  return text === 'latency' || text === 'quality' ? text : 'availability';
}
