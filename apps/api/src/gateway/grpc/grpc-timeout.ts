const pattern = /^([0-9]{1,8})([HMSmun])$/;
const msPerUnit: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Reads the header `grpc-timeout`: up to eight digits and a unit. @returns ms; undefined when it is malformed. */
export function parseGrpcTimeout(text: string): number | undefined {
  const [, digits = '', unit = ''] = pattern.exec(text) ?? [];
  const ms = msPerUnit[unit];
  return ms === undefined ? undefined : Number(digits) * ms;
}
