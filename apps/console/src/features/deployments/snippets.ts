/** Copy-paste examples. The body is JSON; each language gets it in its own way of quoting. */

export function curlSnippet(origin: string, deployment: string, body: string): string {
  const shell = compact(body).replaceAll("'", `'\\''`);
  return `curl ${origin}/v2/models/${encodeURIComponent(deployment)}/infer \\\n  -H "Authorization: Bearer $SLIPWAY_API_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '${shell}'`;
}

export function pythonSnippet(origin: string, deployment: string, body: string): string {
  return `import json, os, urllib.request

body = json.loads(r"""${compact(body).replaceAll('"""', '\\u0022\\u0022\\u0022')}""")
request = urllib.request.Request(
    "${origin}/v2/models/${encodeURIComponent(deployment)}/infer",
    data=json.dumps(body).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["SLIPWAY_API_KEY"],
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as response:
    print(response.headers["slipway-prediction-id"])
    print(json.load(response)["outputs"])`;
}

export function javascriptSnippet(origin: string, deployment: string, body: string): string {
  return `const response = await fetch('${origin}/v2/models/${encodeURIComponent(deployment)}/infer', {
  method: 'POST',
  headers: {
    authorization: \`Bearer \${process.env.SLIPWAY_API_KEY}\`,
    'content-type': 'application/json',
  },
  body: JSON.stringify(${compact(body)}),
});
console.log(response.headers.get('slipway-prediction-id'));
console.log((await response.json()).outputs);`;
}

/** `example` is a label as the task has them: a class or a number. */
export function labelSnippet(origin: string, deployment: string, example: string | number): string {
  return `curl ${origin}/v1/deployments/${encodeURIComponent(deployment)}/labels \\\n  -H "Authorization: Bearer $SLIPWAY_API_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '${JSON.stringify({ labels: [{ predictionId: 'prd_…', label: example }] }).replaceAll("'", `'\\''`)}'`;
}

/** On one line where it is JSON; as it is while it is being typed. */
function compact(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body)).replaceAll('","', '", "').replaceAll('],"', '], "');
  } catch {
    return body;
  }
}
