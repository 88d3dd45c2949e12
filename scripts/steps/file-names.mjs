import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/;
const ours = ['store', 'client', 'job', 'processor', 'controller', 'module', 'schema', 'onnx', 'd', 'config'];
const frameworks = ['guard', 'interceptor', 'filter', 'pipe'];
const suffixes = new Set([...ours, ...frameworks]);
const emptyWords = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'manager', 'info', 'shared']);

/** What a file's content says about the suffix its name must have (style guide §1: the suffix says what a file touches). */
const bySuffix = [
  { suffix: 'controller', says: /^\s*@Controller\(/m, what: 'holds a controller' },
  { suffix: 'module', says: /^\s*@Module\(/m, what: 'holds a module' },
  { suffix: 'job', says: /\bdefineJob\b/, what: 'declares a job', only: /^libs\/(registry|deployments|metrics)\// },
  {
    suffix: 'client',
    says: /^import (?!type).* from '(node:net|node:http|node:https|node:http2|node:tls|undici|nodemailer)'/m,
    what: 'opens network connections',
    // Servers that tests start are not clients.
    only: /^libs\/(registry|deployments|metrics)\/(?!.*\/testing\/)/,
  },
];
const places = [
  { suffix: 'processor', in: /^apps\/worker\//, what: 'job handlers live in apps/worker' },
  { suffix: 'job', in: /^libs\//, what: 'job contracts live in the library that owns them' },
  { suffix: 'controller', in: /^apps\/(api|worker)\//, what: 'controllers live in an app' },
];

/** Every file below the sources of libs and apps whose name breaks a rule, as sentences. `root` may be a fixture. */
export function checkFileNames(root) {
  return ['libs', 'apps'].flatMap((top) => list(root, top).flatMap((file) => check(root, file)));
}

function check(root, file) {
  const name = basename(file).replace(/\.(tsx?|mts|mjs)$/, '');
  const [stem, ...rest] = name.split('.');
  const suffix = rest.join('.');
  const problems = [];
  const say = (text) => problems.push(`${file}: ${text}`);
  if (!kebab.test(name)) say('file names are kebab-case');
  if (emptyWords.has(stem)) say(`"${stem}" says nothing; name the file after what it exports`);
  const told = suffix.replace(/\.?test$/, '');
  if (told !== '' && !suffixes.has(told)) say(`".${suffix}" is not one of the suffixes`);
  if (/(^|\.)test$/.test(suffix)) return problems;
  const text = readFileSync(join(root, file), 'utf8');
  for (const rule of bySuffix) {
    if (rule.says.test(text) && suffix !== rule.suffix && (rule.only?.test(file) ?? true))
      say(`${rule.what}, so its name ends in .${rule.suffix}.ts`);
  }
  for (const place of places) if (suffix === place.suffix && !place.in.test(file)) say(place.what);
  return problems;
}

function list(root, folder) {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', 'dist', '.next', 'generated'].includes(entry.name) ? [] : list(root, path);
    return /\/(src|test)\//.test(path) && /\.(tsx?|mts|mjs)$/.test(entry.name) ? [path] : [];
  });
}
