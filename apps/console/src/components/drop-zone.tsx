'use client';

import { type DragEvent, useId, useState } from 'react';
import { formatBytes } from '@/lib/text/format-number';
import { Icon } from './icon';
import { Raw } from './text';

interface DropZoneProps {
  readonly file: File | undefined;
  readonly onFile: (file: File) => void;
  /** What to do, as the name of the control: "Drop an ONNX file here, or choose one". */
  readonly label: string;
  readonly hint: string;
  /** As the attribute of a file input. */
  readonly accept: string;
}

/** Takes one file, by drop or by choice. */
export function DropZone({ file, onFile, label, hint, accept }: DropZoneProps) {
  const id = useId();
  const [over, setOver] = useState(false);
  const take = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [dropped] = event.dataTransfer.files;
    if (dropped !== undefined) onFile(dropped);
  };
  return (
    <label
      htmlFor={id}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={take}
      className={`flex flex-col items-center rounded-xl border border-dashed px-4 py-8 text-center has-focus-visible:outline-2 has-focus-visible:outline-accent ${over ? 'border-accent bg-accent-soft' : 'border-field bg-sunken'}`}
    >
      <Icon name="upload" size={20} className="mb-2 text-ink-3" />
      {file === undefined ? (
        <>
          <span className="font-medium">{label}</span>
          <span className="mt-0.5 text-xs text-ink-3">{hint}</span>
        </>
      ) : (
        <>
          <span className="font-medium">
            <Raw max={60}>{file.name}</Raw>
          </span>
          <span className="mt-0.5 text-xs text-ink-3">{formatBytes(file.size)}, choose another by clicking</span>
        </>
      )}
      <input
        id={id}
        type="file"
        accept={accept}
        className="sr-only"
        onChange={(event) => {
          const [chosen] = event.target.files ?? [];
          if (chosen !== undefined) onFile(chosen);
        }}
      />
    </label>
  );
}
