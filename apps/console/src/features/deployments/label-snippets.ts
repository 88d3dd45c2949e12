import { javascriptText, keyVariable, labelsUrl, pythonText, type SnippetTarget, shellWord } from './snippet-quoting';

/** What a label says of a prediction: a class, or a number. */
export type ExampleLabel = string | number;

/** Stands for the name of a prediction. */
export const predictionPlaceholder = 'prd_…';
/** Stands for the caller's own id of a request. */
export const requestPlaceholder = 'your-request-id';

export function curlLabel(target: SnippetTarget, label: ExampleLabel): string {
  const body = JSON.stringify({ labels: [{ predictionId: predictionPlaceholder, label }] });
  return `curl ${labelsUrl(target)} \\
  -H "Authorization: Bearer $${keyVariable}" \\
  -H "Content-Type: application/json" \\
  -d ${shellWord(body)}`;
}

/** With the prediction's own name. */
export function requestsLabel(target: SnippetTarget, label: ExampleLabel): string {
  return pythonLabel(target, `{"predictionId": ${pythonText(predictionPlaceholder)}, "label": ${pythonLiteral(label)}}`);
}

/** With the caller's id, since Triton's client does not show the header that has the prediction's name. */
export function tritonLabel(target: SnippetTarget, label: ExampleLabel): string {
  return pythonLabel(target, `{"clientId": ${pythonText(requestPlaceholder)}, "label": ${pythonLiteral(label)}}`);
}

export function javascriptLabel(target: SnippetTarget, label: ExampleLabel): string {
  const value = typeof label === 'string' ? javascriptText(label) : String(label);
  return `import { SlipwayClient } from '@slipway/client';

const slipway = new SlipwayClient({ url: ${javascriptText(target.origin)}, apiKey: process.env.${keyVariable} });

console.log(await slipway.deployment(${javascriptText(target.deployment)}).label({ predictionId: '${predictionPlaceholder}', label: ${value} }));`;
}

function pythonLabel(target: SnippetTarget, entry: string): string {
  return `# pip install requests
import os

import requests

answer = requests.post(
    ${pythonText(labelsUrl(target))},
    json={"labels": [${entry}]},
    headers={"Authorization": "Bearer " + os.environ["${keyVariable}"]},
    timeout=30,
)
answer.raise_for_status()
print(answer.json()["results"])`;
}

function pythonLiteral(label: ExampleLabel): string {
  return typeof label === 'string' ? pythonText(label) : String(label);
}
