// Puts the results of a run where people read them: the picture docs/images/speed.svg and the table in README.md.
// Usage: node bench/publish.mjs <bench/results/….json>
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bars } from './bars.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [, , file] = process.argv;
const results = JSON.parse(readFileSync(file, 'utf8'));
if (results.run.isQuick) throw new Error('the legs of a quick run are too few and too short to be published');
const titles = { bare: 'plain node:http', slipway: 'Slipway', fastapi: 'FastAPI', mlserver: 'MLServer', bentoml: 'BentoML', litserve: 'LitServe' };
const begin = '<!-- speed: written by bench/publish.mjs -->';
const end = '<!-- /speed -->';

const tiny = results.tables.find(({ name }) => name === 'tiny JSON, 32 in flight');
if (tiny === undefined) throw new Error(`${file} has no table "tiny JSON, 32 in flight"; run the case json`);
writeFileSync(join(root, 'docs', 'images', 'speed.svg'), picture(tiny.rows));
const readme = join(root, 'README.md');
const text = readFileSync(readme, 'utf8');
const [from, to] = [text.indexOf(begin), text.indexOf(end)];
if (from < 0 || to < from) throw new Error(`README.md has no place for the table: ${begin} … ${end}`);
writeFileSync(readme, `${text.slice(0, from + begin.length)}\n${table()}\n${text.slice(to)}`);

/** The figures as a Markdown table. */
function table() {
  const order = Object.keys(bars);
  const figures = results.figures.toSorted((a, b) => order.indexOf(a.key) - order.indexOf(b.key));
  const lines = figures.map(({ title, value, min, max, unit, bar, isMet }) => {
    const range = min === undefined || min === max ? '' : ` (${number(min)} – ${number(max)})`;
    return `| ${title} | ${number(value)} ${unit}${range} | ${bar} | ${isMet ? 'met' : '**missed**'} |`;
  });
  const { cores, node } = results.machine;
  const disturbed = results.disturbances.length > 0 ? ' Others used the machine meanwhile.' : '';
  return [
    '',
    '![Predictions a second and CPU time per prediction, beside a plain server and Python servers](docs/images/speed.svg)',
    '',
    '| Figure | Measured (smallest – largest of the pairs) | Bar | |',
    '|---|---|---|---|',
    ...lines,
    '',
    `${results.at.slice(0, 10)}, commit ${results.commit}, ${cores} cores shared with the load generator, Node.js ${node.slice(1)}.${disturbed}`,
    '',
  ].join('\n');
}

/** Bars for answers a second and CPU time per prediction, one line a server. */
function picture(rows) {
  const names = Object.keys(rows);
  const line = 34;
  const height = 96 + names.length * line;
  const rates = panel(rows, names, { x: 150, width: 330, heading: 'predictions a second (more is better)', read: (row) => row.rate.median, line });
  const costs = panel(rows, names, {
    x: 560,
    width: 250,
    heading: 'CPU-µs per prediction (less is better)',
    read: (row) => row.cpuMicros.median,
    line,
  });
  const labels = names.map((name, index) => {
    const weight = name === 'slipway' ? ' font-weight="700"' : '';
    return `<text x="138" y="${87 + index * line}" text-anchor="end"${weight}>${titles[name] ?? name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 ${height}" width="900" height="${height}" role="img" aria-label="Tiny tabular model, JSON, 32 requests in flight: predictions a second and CPU time per prediction of each server" font-family="system-ui, sans-serif" font-size="14" fill="#1f2933">
<rect width="900" height="${height}" fill="#ffffff"/>
<text x="20" y="28" font-size="16" font-weight="600">Tiny tabular model, JSON, 32 requests in flight, ${results.machine.cores} cores</text>
${[...labels, ...rates, ...costs].join('\n')}
<text x="20" y="${height - 10}" font-size="11" fill="#52606d">npm run bench · ${results.at.slice(0, 10)} · commit ${results.commit}</text>
</svg>
`;
}

function panel(rows, names, { x, width, heading, read, line }) {
  const most = Math.max(...names.map((name) => read(rows[name])));
  const bars = names.flatMap((name, index) => {
    const value = read(rows[name]);
    const length = Math.max(1, (value / most) * (width - 60));
    const y = 70 + index * line;
    const colour = name === 'slipway' ? '#0b6bcb' : '#9aa5b1';
    return [
      `<rect x="${x}" y="${y}" width="${length.toFixed(1)}" height="24" rx="2" fill="${colour}"/>`,
      `<text x="${(x + length + 6).toFixed(1)}" y="${y + 17}" font-size="13">${value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ' ')}</text>`,
    ];
  });
  return [`<text x="${x}" y="56" font-size="13" fill="#52606d">${heading}</text>`, ...bars];
}

function number(value) {
  if (value === 0) return '0';
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(Math.abs(value) < 0.1 ? 3 : 2);
}
