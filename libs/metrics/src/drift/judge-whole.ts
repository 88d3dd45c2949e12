import type { ColumnLayout, Judgement } from '@slipway/contracts';
import { namesText, percentText } from './drift-sentences.js';

/** The window as a whole. `value` is the share of drifted inputs, weighted by importance. */
export interface WholeJudgement extends Judgement {
  /** Names of drifted columns, by rank. */
  readonly drifted: readonly string[];
}

/** What the whole is made up of. */
export interface JudgedPart {
  readonly column: string;
  readonly side: ColumnLayout['side'];
  readonly judgement: Judgement;
  /** Share of the predictions' hanging on it. */
  readonly importance: number;
}

/**
 * From its columns, ranked: the whole has drifted when the drifted inputs carry `wholeShare` of the importance or more, or an output has
 * drifted. Insufficient when no column could be judged.
 */
export function judgeWhole(columns: readonly JudgedPart[], rows: number, wholeShare: number): WholeJudgement {
  const judged = columns.filter(({ judgement }) => judgement.verdict !== 'insufficient');
  const drifted = columns.filter(({ judgement }) => judgement.verdict === 'alarm');
  const names = drifted.map(({ column }) => column);
  const base = { interval: null, n: rows, threshold: wholeShare, drifted: names };
  if (judged.length === 0) {
    const why = columns[0]?.judgement.reason;
    return {
      ...base,
      value: null,
      verdict: 'insufficient',
      reason: why === undefined ? 'no column is counted' : `no column can be judged yet: ${why}`,
    };
  }
  const inputs = columns.filter(({ side }) => side === 'input');
  const weightOf = (parts: readonly JudgedPart[]) => parts.reduce((sum, { importance }) => sum + importance, 0);
  const all = weightOf(inputs);
  const share = all > 0 ? Math.min(1, weightOf(drifted.filter(({ side }) => side === 'input')) / all) : 0;
  const outputs = drifted.filter(({ side }) => side === 'output').map(({ column }) => column);
  const isAlarm = outputs.length > 0 || (drifted.length > 0 && share >= wholeShare);
  return { ...base, value: share, verdict: isAlarm ? 'alarm' : 'ok', reason: reasonOf(names, outputs, { judged: judged.length, share, wholeShare }) };
}

function reasonOf(
  names: readonly string[],
  outputs: readonly string[],
  { judged, share, wholeShare }: { judged: number; share: number; wholeShare: number },
): string {
  if (names.length === 0) return `none of ${judged} columns has drifted`;
  const count = `${names.length} of ${judged} columns ${names.length === 1 ? 'has' : 'have'} drifted: ${namesText(names)}`;
  const inputs = `drifted inputs carry ${percentText(share)} of the importance, limit ${percentText(wholeShare)}`;
  return outputs.length > 0 ? `${count}; the outputs themselves have changed; ${inputs}` : `${count}; ${inputs}`;
}
