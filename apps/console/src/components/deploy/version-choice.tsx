'use client';

import { useModel, useVersions } from '@/lib/api/models';
import { Field } from '../field';

interface VersionChoiceProps {
  readonly model: string;
  /** `v3` for a version, `@champion` for an alias. */
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly serving: readonly number[];
}

/** Versions that passed validation, newest first, and the aliases that name one. */
export function VersionChoice({ model, value, onChange, serving }: VersionChoiceProps) {
  const versions = useVersions(model);
  const aliases = useModel(model).data?.aliases ?? [];
  const ready = versions.items?.filter((each) => each.status === 'READY').toSorted((a, b) => b.version - a.version) ?? [];
  const none = versions.items !== undefined && ready.length === 0;
  return (
    <Field label="Version" error={none ? 'This model has no version that passed validation. Upload one first.' : undefined}>
      {(props) => (
        <select {...props} className="control" required value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">Choose a version</option>
          {aliases.length > 0 && (
            <optgroup label="By alias">
              {aliases.map((alias) => (
                <option key={alias.name} value={`@${alias.name}`}>
                  {alias.name} (now v{alias.version})
                </option>
              ))}
            </optgroup>
          )}
          <optgroup label="By number">
            {ready.map((each) => (
              <option key={each.id} value={`v${each.version}`}>
                v{each.version}
                {serving.includes(each.version) ? ', serving now' : ''}
                {each.fileName === null ? '' : `, ${each.fileName.slice(0, 40)}`}
              </option>
            ))}
          </optgroup>
        </select>
      )}
    </Field>
  );
}
