// Plain old syntax on purpose: this file has to run on a Node that is too old for everything else.

/** Whether a version satisfies `^20.19 || >=22.12` (package.json, engines). */
export function isSupported(version) {
  const parts = version.replace(/^v/, '').split('.').map(Number);
  const major = parts[0];
  const minor = parts[1];
  if (major === 20) return minor >= 19;
  if (major === 22) return minor >= 12;
  return major > 22;
}

/** Ends the process with one sentence when this Node is too old. */
export function requireNode() {
  if (isSupported(process.version)) return;
  process.stderr.write(`Slipway needs Node 20.19 or newer in line 20, or 22.12 or newer (24 is recommended); this is ${process.version}.\n`);
  process.exit(1);
}
