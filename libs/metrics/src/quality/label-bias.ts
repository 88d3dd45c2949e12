import type { Judgement, LabelBias, Task } from '@slipway/contracts';
import { upperGamma } from '../drift/gamma-tail.js';
import { placeOfBin } from './count-bins.js';
import { judgedMetrics } from './judge-quality-window.js';
import { effectiveCounts, type QualityCounts } from './quality-counts.js';

/** Groups that predictions are compared in. */
const groupsMost = 10;
const leastLabelled = 100;
/** PSI beyond its noise from which labelled rows are no fair sample, and how surely it must be there (`monitoring.md` 7). */
const minEffect = 0.1;
const level = 0.01;
/** Added to each group of both sides, so that an empty one is not infinitely surprising. */
const pseudoCount = 0.5;

/**
 * Whether the labelled rows are like all rows: charge-backs come early, what is not disputed never gets a label. Compares what was predicted for both
 * (scores, values or classes) in groups of about equally many predictions by PSI with two keys, size and significance, and says what the main
 * metric becomes when each row counts as often as its group is short of labels. Null without labels.
 */
export function judgeBias(counts: QualityCounts, task: Task): LabelBias | null {
  const groups = groupBins(effectiveCounts(counts));
  const predicted = groups.reduce((sum, group) => sum + group.all, 0);
  const labelled = groups.reduce((sum, group) => sum + group.labelled, 0);
  if (labelled === 0 || predicted === 0) return null;
  // Where nearly every row has its label, the labelled rows are no sample that could be an unfair one.
  const judgement = judge(groups, { predicted, labelled });
  return { judgement, adjusted: adjust(groups, task, predicted) };
}

interface Group {
  all: number;
  labelled: number;
  good: number;
}

function groupBins({ all, labelled }: QualityCounts): Group[] {
  const bins = Object.entries(all)
    .map(([bin, count]) => ({ bin, place: placeOfBin(bin), all: count, labelled: labelled[bin]?.[0] ?? 0, good: labelled[bin]?.[1] ?? 0 }))
    .sort((a, b) => (a.place ?? Infinity) - (b.place ?? Infinity) || b.all - a.all);
  const total = bins.reduce((sum, { all: count }) => sum + count, 0);
  const groups: Group[] = [];
  let open: Group | undefined;
  for (const bin of bins) {
    if (open === undefined) {
      open = { all: 0, labelled: 0, good: 0 };
      groups.push(open);
    }
    open.all += bin.all;
    open.labelled += bin.labelled;
    open.good += bin.good;
    if (open.all >= total / groupsMost) open = undefined;
  }
  return groups;
}

function judge(groups: readonly Group[], { predicted, labelled }: { predicted: number; labelled: number }): Judgement {
  const n = Math.round(labelled);
  const share = `${Number(((100 * labelled) / predicted).toPrecision(2))} % of the predictions have a label`;
  const none = { value: null, interval: null, n, threshold: minEffect, verdict: 'insufficient' as const };
  if (labelled < leastLabelled)
    return { ...none, reason: `${share}; at least ${leastLabelled} labels are needed to tell whether they are like all rows.` };
  if (groups.length < 2) return { ...none, reason: `${share}; all predictions are about the same, so that labelled ones cannot differ.` };
  // All rows hold the labelled ones: only the rows without a label can make a difference, so the noise is that of drawing without replacement.
  const k = groups.length;
  const shareOf = (count: number, total: number) => (count + pseudoCount) / (total + pseudoCount * k);
  const psi = groups.reduce((sum, { all, labelled: own }) => {
    const [p, q] = [shareOf(all, predicted), shareOf(own, labelled)];
    return sum + (q - p) * Math.log(q / p);
  }, 0);
  const noise = Math.max(0, 1 / labelled - 1 / predicted);
  const value = psi - (k - 1) * noise;
  const p = noise === 0 ? 1 : upperGamma((k - 1) / 2, psi / noise / 2);
  const isUnlike = p <= level && value >= minEffect;
  const verdict = isUnlike ? 'alarm' : 'ok';
  const seen = `PSI ${Number(psi.toPrecision(2))}, of which ${Number(((k - 1) * noise).toPrecision(2))} is noise`;
  const reason = isUnlike
    ? `${share}, and these are not like all rows: what was predicted for them differs by ${seen}. Metrics speak of labelled rows only.`
    : `${share}, and what was predicted for them is like all predictions: ${seen}.`;
  return { value, interval: null, n, threshold: minEffect, verdict, reason };
}

function adjust(groups: readonly Group[], task: Task, predicted: number): LabelBias['adjusted'] {
  const metric = judgedMetrics[task.kind][0];
  const known = groups.filter((group) => group.labelled > 0);
  if (metric === undefined || known.length === 0) return null;
  const covered = known.reduce((sum, { all }) => sum + all, 0);
  // Groups without any label cannot be weighted up; beyond a tenth of the rows the figure would be made up.
  if (covered < 0.9 * predicted) return null;
  const labelled = known.reduce((sum, group) => sum + group.labelled, 0);
  const value = known.reduce((sum, { good }) => sum + good, 0) / labelled;
  const weighted = known.reduce((sum, { all, good, labelled: own }) => sum + (all / covered) * (good / own), 0);
  return { metric, value, weighted };
}
