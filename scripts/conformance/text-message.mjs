import { messages } from './protocol-messages.mjs';

/**
 * Reads a message in protobuf's text form, as the captures keep it, into what `encode` of protobuf.mjs takes.
 * @returns {Record<string, any>}
 */
export function readTextMessage(type, text) {
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[{}:]|[^\s{}:"]+/g)].map(([token]) => token);
  const value = readFields(type, tokens);
  if (tokens.length > 0) throw new Error(`"${tokens[0]}" is left over in the text of ${type}`);
  return value;
}

function readFields(type, tokens) {
  const value = {};
  while (tokens.length > 0 && tokens[0] !== '}') {
    const name = tokens.shift();
    const field = messages[type]?.[name];
    if (field === undefined) throw new Error(`${type} has no field "${name}"`);
    if (field.map) {
      value[name] ??= Object.create(null);
      const [key, entry] = readPair(field, tokens);
      value[name][key] = entry;
    } else if (field.repeated) value[name] = [...(value[name] ?? []), readValue(field.type, tokens)];
    else value[name] = readValue(field.type, tokens);
  }
  return value;
}

function readPair(field, tokens) {
  take(tokens, '{');
  take(tokens, 'key');
  const key = readValue('string', tokens);
  take(tokens, 'value');
  const entry = readValue(field.type, tokens);
  take(tokens, '}');
  return [key, entry];
}

function readValue(type, tokens) {
  if (messages[type] !== undefined) {
    take(tokens, '{');
    const value = readFields(type, tokens);
    take(tokens, '}');
    return value;
  }
  take(tokens, ':');
  const token = tokens.shift();
  if (type === 'bool') return token === 'true';
  if (type === 'bytes') return unescaped(token);
  if (type === 'string') return unescaped(token).toString('utf8');
  return type === 'float' || type === 'double' ? Number(token) : BigInt(token);
}

function take(tokens, wanted) {
  const token = tokens.shift();
  if (token !== wanted) throw new Error(`expected "${wanted}" in the text, got "${token}"`);
}

const letters = { n: 10, r: 13, t: 9, a: 7, b: 8, f: 12, v: 11 };

/** C's escapes: three octal digits, two of hex, or a letter. */
function unescaped(token) {
  const bytes = [];
  for (const [piece] of token.slice(1, -1).matchAll(/\\[0-7]{1,3}|\\x[0-9a-fA-F]{1,2}|\\.|[^\\]/gsu)) {
    if (!piece.startsWith('\\')) bytes.push(...Buffer.from(piece, 'utf8'));
    else if (/^\\[0-7]/.test(piece)) bytes.push(Number.parseInt(piece.slice(1), 8));
    else if (/^\\x/.test(piece)) bytes.push(Number.parseInt(piece.slice(2), 16));
    else bytes.push(letters[piece[1]] ?? piece.charCodeAt(1));
  }
  return Buffer.from(bytes);
}
