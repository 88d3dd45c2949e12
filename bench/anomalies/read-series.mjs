// Labelled series from a folder: in the layout of the Numenta Anomaly Benchmark (data/<category>/*.csv, labels/combined_windows.json), or any
// folder of CSV files timestamp,value,label with 1 at what is anomalous.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** @returns [{ name, category, times (ms), values, windows: [[firstIndex, lastIndex]] }] */
export function readSeries(folder) {
  const labels = join(folder, 'labels', 'combined_windows.json');
  const series = existsSync(labels) ? readNab(folder, JSON.parse(readFileSync(labels, 'utf8'))) : readLabelled(folder);
  if (series.length === 0) throw new Error(`expected CSV files of timestamp,value[,label] in ${folder}, but there are none`);
  return series;
}

function readNab(folder, windowsByFile) {
  return Object.entries(windowsByFile).map(([name, windows]) => {
    const { times, values } = readTable(join(folder, 'data', name), name);
    const indexes = windows.map((ends) => ends.map((end) => indexOf(times, timeOf(end), name)));
    return { name, category: name.split('/')[0], times, values, windows: indexes };
  });
}

function readLabelled(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.csv'));
  return files.sort().map((file) => {
    const name = relative('.', file).split(sep).join('/');
    const { times, values, labels } = readTable(join(folder, file), name);
    return { name, category: name.includes('/') ? name.split('/')[0] : 'all', times, values, windows: windowsOf(labels) };
  });
}

/** As the benchmark makes its windows: a tenth of the series, shared by what is labelled, around each; those that meet are one. */
export function windowsOf(labels) {
  const runs = [];
  labels.forEach((label, at) => {
    if (!label) return;
    if (runs.at(-1)?.[1] === at - 1) runs.at(-1)[1] = at;
    else runs.push([at, at]);
  });
  const half = Math.floor((0.1 * labels.length) / Math.max(1, runs.length) / 2);
  const windows = [];
  for (const [first, last] of runs) {
    const middle = (first + last) / 2;
    const window = [Math.max(0, Math.min(first, Math.floor(middle - half))), Math.min(labels.length - 1, Math.max(last, Math.ceil(middle + half)))];
    if (windows.length > 0 && window[0] <= windows.at(-1)[1]) windows.at(-1)[1] = window[1];
    else windows.push(window);
  }
  return windows;
}

function readTable(file, name) {
  const [head, ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  const columns = head.split(',').map((column) => column.trim().toLowerCase());
  const place = (...names) => columns.findIndex((column) => names.includes(column));
  const [time, value, label] = [place('timestamp', 'time', 'timestamps'), place('value'), place('label', 'is_anomaly', 'anomaly')];
  if (time < 0 || value < 0) throw new Error(`expected the columns timestamp and value in ${name}, but got ${head}`);
  const rows = lines.map((line) => line.split(',')).filter((cells) => cells[value] !== undefined && cells[value] !== '');
  return {
    times: rows.map((cells) => timeOf(cells[time])),
    values: rows.map((cells) => Number(cells[value])),
    labels: rows.map((cells) => label >= 0 && Number(cells[label]) > 0),
  };
}

/** Times without a zone are UTC; numbers are seconds or milliseconds since the epoch. */
function timeOf(text) {
  const number = Number(text);
  if (Number.isFinite(number)) return number < 1e11 ? number * 1000 : number;
  const ms = Date.parse(`${text.trim().replace(' ', 'T').slice(0, 23).replace(/Z$/, '')}Z`);
  if (Number.isNaN(ms)) throw new Error(`expected a time, but got "${text}"`);
  return ms;
}

function indexOf(times, time, name) {
  const at = times.indexOf(time);
  if (at < 0) throw new Error(`the label ${new Date(time).toISOString()} of ${name} is at no point of it`);
  return at;
}
