import type { WebhookPayload } from './webhook-payload.js';

/** A mail about one alert: text and HTML say the same. */
export interface AlertMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Makes the mail of a notice. Names and labels come from people: they are text in every part of it. */
export function alertMail(payload: WebhookPayload): AlertMail {
  const alert = payload.alerts[0];
  const labels = alert?.labels ?? {};
  const annotations = alert?.annotations ?? {};
  const isFiring = payload.status === 'firing';
  const word = isFiring ? (labels['severity'] === 'page' ? 'PAGE' : 'FIRING') : 'RESOLVED';
  const summary = oneLine(annotations['summary'] ?? labels['alertname'] ?? 'alert');
  const facts: [string, string][] = [
    ['Deployment', labels['deployment'] ?? ''],
    ['Rule', labels['alertname'] ?? ''],
    ['Severity', labels['severity'] ?? ''],
    ['Since', alert?.startsAt ?? ''],
    ...(isFiring ? [] : ([['Resolved', alert?.endsAt ?? '']] as [string, string][])),
    ['What', annotations['description'] ?? ''],
    ...Object.entries(labels)
      .filter(([name]) => !['deployment', 'alertname', 'severity', 'project', 'kind'].includes(name))
      .map(([name, value]): [string, string] => [name, value]),
  ];
  const shown = facts.filter(([, value]) => value !== '').map(([name, value]): [string, string] => [name, oneLine(value)]);
  const link = alert?.generatorURL ?? '';
  return {
    subject: truncate(`[${word}] ${summary}`, 200),
    text: `${summary}\n\n${shown.map(([name, value]) => `${name}: ${value}`).join('\n')}\n\n${link === '' ? '' : `${link}\n`}`,
    html: htmlOf({ summary, word, isFiring, facts: shown, link }),
  };
}

/** Control characters, line ends of any kind and direction marks become spaces: a name stays on its line and in its place. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function truncate(text: string, length: number): string {
  const letters = [...text];
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join('')}…`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function htmlOf(mail: { summary: string; word: string; isFiring: boolean; facts: readonly [string, string][]; link: string }): string {
  const colour = mail.isFiring ? '#b3261e' : '#1e6b34';
  const rows = mail.facts
    .map(
      ([name, value]) =>
        `<tr><td style="padding:4px 16px 4px 0;color:#666;vertical-align:top;white-space:nowrap">${escapeHtml(name)}</td><td style="padding:4px 0">${escapeHtml(value)}</td></tr>`,
    )
    .join('');
  const button = /^https?:\/\//.test(mail.link)
    ? `<p style="margin:24px 0 0"><a href="${escapeHtml(mail.link)}" style="color:${colour}">Open in Slipway</a></p>`
    : '';
  return `<!doctype html>
<html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>${escapeHtml(mail.summary)}</title></head>
<body style="margin:0;padding:24px;font-family:system-ui,sans-serif;font-size:15px;line-height:1.5">
<table role="presentation" width="600" style="max-width:600px;width:100%;border-collapse:collapse"><tr><td style="border-left:4px solid ${colour};padding:0 0 0 16px">
<p style="margin:0;font-weight:600;color:${colour}">${escapeHtml(mail.word)}</p>
<p style="margin:4px 0 16px;font-size:18px;font-weight:600">${escapeHtml(mail.summary)}</p>
<table role="presentation" style="border-collapse:collapse">${rows}</table>${button}
</td></tr></table></body></html>
`;
}
