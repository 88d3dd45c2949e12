const offset = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;
const mask = 0xffffffffffffffffn;
const separator = 0xff;

/**
 * The identity of an alert: FNV-1a, 64 bits, over name, 0xFF, value, 0xFF for the label names in sorted order, as 16 hex digits; the same as
 * Prometheus' Alertmanager gives.
 */
export function fingerprint(labels: Readonly<Record<string, string>>): string {
  let hash = offset;
  const feed = (byte: number) => {
    hash = ((hash ^ BigInt(byte)) * prime) & mask;
  };
  for (const name of Object.keys(labels).sort()) {
    for (const text of [name, labels[name] ?? '']) {
      for (const byte of Buffer.from(text, 'utf8')) feed(byte);
      feed(separator);
    }
  }
  return hash.toString(16).padStart(16, '0');
}
