'use client';

import { Task, type VersionView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { Facts, Panel } from '@/components/panel';
import { Raw } from '@/components/text';
import { callVoid, path } from '@/lib/api/api.client';

const kinds: Readonly<Record<Task['kind'], string>> = {
  binary: 'two classes',
  multiclass: 'many classes',
  regression: 'a number',
  other: 'something else',
};

/** What the answer means: guessed from the signature, editable, needed for quality. */
export function TaskPanel({ version }: { readonly version: VersionView }) {
  const [editing, setEditing] = useState(false);
  const { task } = version;
  return (
    <Panel
      title="Task"
      note="what the answer means"
      actions={
        version.signature !== null && (
          <Button kind="quiet" onClick={() => setEditing(true)}>
            Change
          </Button>
        )
      }
    >
      {task === null ? (
        <p className="p-4 text-[0.8125rem] text-ink-2">
          Not known. Quality and labels stay off until someone says which output holds the prediction.
        </p>
      ) : (
        <Facts
          items={[
            ['Predicts', kinds[task.kind]],
            [
              'Prediction',
              task.predictionOutput === undefined ? (
                'the class with the highest score'
              ) : (
                <Raw key="p" mono>
                  {task.predictionOutput}
                </Raw>
              ),
            ],
            [
              'Scores',
              task.scoreOutput === undefined ? (
                '–'
              ) : (
                <Raw key="s" mono>
                  {task.scoreOutput}
                </Raw>
              ),
            ],
            [
              'Classes',
              task.classes === undefined ? (
                '–'
              ) : (
                <Raw key="c" max={200}>
                  {task.classes.slice(0, 40).join(', ')}
                </Raw>
              ),
            ],
            ...(task.kind === 'binary'
              ? [['Positive', task.positiveClass === undefined ? '–' : <Raw key="pos">{String(task.positiveClass)}</Raw>] as const]
              : []),
            ['Rows', task.rowAxis === null ? 'one per request' : `axis ${task.rowAxis}`],
          ]}
        />
      )}
      {editing && <TaskDialog version={version} onClose={() => setEditing(false)} />}
    </Panel>
  );
}

function TaskDialog({ version, onClose }: { readonly version: VersionView; readonly onClose: () => void }) {
  const client = useQueryClient();
  const outputs = version.signature?.outputs.map((output) => output.name) ?? [];
  const [kind, setKind] = useState<Task['kind']>(version.task?.kind ?? 'binary');
  const [predictionOutput, setPredictionOutput] = useState(version.task?.predictionOutput ?? '');
  const [scoreOutput, setScoreOutput] = useState(version.task?.scoreOutput ?? '');
  const [classes, setClasses] = useState(version.task?.classes?.join(', ') ?? '');
  const [positive, setPositive] = useState(version.task?.positiveClass === undefined ? '' : String(version.task.positiveClass));
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    const list = classes
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
      .map(classOf);
    const task: Task = {
      kind,
      rowAxis: version.task === null ? 0 : version.task.rowAxis,
      ...(predictionOutput !== '' && { predictionOutput }),
      ...(scoreOutput !== '' && { scoreOutput }),
      ...(list.length > 0 && { classes: list }),
      ...(kind === 'binary' && positive !== '' && { positiveClass: classOf(positive) }),
    };
    try {
      await callVoid(path`/v1/models/${version.model}/versions/${version.version}`, { method: 'PATCH', body: { task } });
      await client.invalidateQueries({ queryKey: ['models'] });
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  const outputSelect = (label: string, value: string, set: (value: string) => void, none: string) => (
    <Field label={label}>
      {(props) => (
        <select {...props} className="control" value={value} onChange={(event) => set(event.target.value)}>
          <option value="">{none}</option>
          {outputs.map((name) => (
            <option key={name} value={name}>
              {name.slice(0, 60)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
  const isClassifier = kind === 'binary' || kind === 'multiclass';
  return (
    <Dialog title="Task of this version" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <Field label="It predicts">
          {(props) => (
            <select {...props} className="control" value={kind} onChange={(event) => setKind(Task.shape.kind.parse(event.target.value))}>
              {Task.shape.kind.options.map((each) => (
                <option key={each} value={each}>
                  {kinds[each]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          {outputSelect('Output with the prediction', predictionOutput, setPredictionOutput, isClassifier ? 'none: take the highest score' : 'none')}
          {isClassifier && outputSelect('Output with scores', scoreOutput, setScoreOutput, 'none')}
        </div>
        {isClassifier && (
          <Field label="Classes" optional hint="In the order of the scores, separated by commas.">
            {(props) => <input {...props} className="control" value={classes} onChange={(event) => setClasses(event.target.value)} />}
          </Field>
        )}
        {kind === 'binary' && (
          <Field label="Positive class" optional>
            {(props) => <input {...props} className="control" value={positive} onChange={(event) => setPositive(event.target.value)} />}
          </Field>
        )}
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
    </Dialog>
  );
}

/** Whole numbers are class numbers, anything else a class name. */
function classOf(text: string): string | number {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}
