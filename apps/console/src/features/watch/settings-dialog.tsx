'use client';

import { WatchSettings, type WatchSettingsView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Loading, Problem, QueryView } from '@/components/faces';
import { Field } from '@/components/field';
import { useNotify } from '@/components/notices';
import { NumberInput } from '@/components/number-input';
import { callVoid, path } from '@/lib/api/api.client';
import { useWatchSettings } from '@/lib/api/watch';

/** How a deployment is judged; counts from the next judgement on. */
export function SettingsDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const settings = useWatchSettings(name);
  return (
    <Dialog title={`How ${name} is judged`} onClose={onClose}>
      <QueryView query={settings} loading={<Loading rows={4} />}>
        {(view) => <SettingsForm name={name} view={view} onClose={onClose} />}
      </QueryView>
    </Dialog>
  );
}

function SettingsForm({ name, view, onClose }: { readonly name: string; readonly view: WatchSettingsView; readonly onClose: () => void }) {
  const client = useQueryClient();
  const notify = useNotify();
  const [alarms, setAlarms] = useState(String(view.alarmsPerMonth));
  const [effect, setEffect] = useState(String(view.drift.minEffect));
  const [ignore, setIgnore] = useState(view.drift.ignore.join('\n'));
  const [rows, setRows] = useState(String(view.reference.learnRows));
  const [days, setDays] = useState(String(view.labels.latenessDays));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wish = WatchSettings.safeParse({
      alarmsPerMonth: Number(alarms),
      drift: { minEffect: Number(effect), ignore: lines(ignore) },
      reference: { learnRows: Number(rows) },
      labels: { latenessDays: Number(days) },
    });
    if (!wish.success) return setError(new Error(wish.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`).join('; ')));
    setBusy(true);
    setError(undefined);
    try {
      await callVoid(path`/v1/deployments/${name}/watch`, { method: 'PUT', body: wish.data });
      await client.invalidateQueries({ queryKey: ['watch'] });
      notify('Judged so from now on');
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="False alarms a month" hint="What drift may cost at most when nothing has changed. Fewer means later.">
          {(props) => <NumberInput {...props} value={alarms} onChange={setAlarms} min={0.01} step="any" />}
        </Field>
        <Field label="Least size of a drift" hint="PSI without its noise; smaller changes are shown and do not alarm.">
          {(props) => <NumberInput {...props} value={effect} onChange={setEffect} min={0.01} step="any" />}
        </Field>
        <Field label="Rows to learn from" hint="Where no reference was uploaded, the first rows become it.">
          {(props) => <NumberInput {...props} value={rows} onChange={setRows} min={200} step={1} />}
        </Field>
        <Field label="Labels may come for, days" hint="A label for an older prediction is answered “late”.">
          {(props) => <NumberInput {...props} value={days} onChange={setDays} min={1} step={1} />}
        </Field>
      </div>
      <Field label="Never alarm for" optional hint="Inputs or outputs, one on each line.">
        {(props) => <textarea {...props} className="control min-h-20 font-mono" value={ignore} onChange={(event) => setIgnore(event.target.value)} />}
      </Field>
      <Problem error={error} />
      <div className="flex justify-end gap-2">
        <Button kind="quiet" onClick={onClose}>
          Cancel
        </Button>
        <Button kind="primary" type="submit" busy={busy}>
          Save
        </Button>
      </div>
    </form>
  );
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
