import type { JudgementKind } from '@slipway/contracts';

/** What people call each kind of judgement. */
export const kindWords: Readonly<Record<JudgementKind, { readonly title: string; readonly note: string; readonly subject: string }>> = {
  slo: { title: 'Objectives', note: 'how fast error budgets are burnt', subject: 'Objective' },
  failures: { title: 'Failures', note: 'against what is usual here', subject: 'Reason' },
  anomaly: { title: 'Time series', note: 'traffic, latency, errors, resources', subject: 'Series' },
  quality: { title: 'Quality', note: 'from labels', subject: 'Metric' },
  estimated_quality: { title: 'Estimated quality', note: 'without labels', subject: 'Metric' },
  prediction_error: { title: 'Prediction error', note: 'prediction against truth', subject: 'Detector' },
  drift: { title: 'Drift', note: 'inputs and outputs against the reference', subject: 'Column' },
  data_quality: { title: 'Data quality', note: 'missing, unknown, out of range', subject: 'Column' },
  noise: { title: 'Noise', note: 'answers for the same input', subject: 'Probe' },
  labels: { title: 'Labels', note: 'whether they keep coming', subject: 'What' },
};
