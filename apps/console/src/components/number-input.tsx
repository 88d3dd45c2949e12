interface NumberInputProps {
  readonly id: string;
  readonly 'aria-describedby'?: string;
  readonly 'aria-invalid'?: true;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | 'any';
}

/** A number that has to be given, kept as it was typed. */
export function NumberInput({ value, onChange, step = 'any', ...props }: NumberInputProps) {
  return <input {...props} type="number" step={step} required className="control" value={value} onChange={(event) => onChange(event.target.value)} />;
}
