// Profiles a running Node.js process that was started without any flag: SIGUSR1 opens its inspector, a few lines run inside it, and the
// inspector closes again, so that the next process can have the port. The profile is written by the process itself.
import { randomBytes } from 'node:crypto';
import { get, request } from 'node:http';

const inspectorPort = 9229;
const intervalMicros = 250;

/** Starts the CPU profiler inside the process. */
export function startProfile(pid) {
  return evaluate(
    pid,
    `const session = (globalThis.benchProfile = new inspector.Session());
     session.connect();
     session.post('Profiler.enable');
     session.post('Profiler.setSamplingInterval', { interval: ${intervalMicros} });
     session.post('Profiler.start');`,
  );
}

/** Stops the profiler and has the process write its profile into `file`. */
export function stopProfile(pid, file) {
  return evaluate(
    pid,
    `const session = globalThis.benchProfile;
     delete globalThis.benchProfile;
     session.post('Profiler.stop', (error, result) => {
       process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(file)}, JSON.stringify(error ?? result.profile));
       session.disconnect();
     });`,
  );
}

/** What the process holds once all garbage is gone, in bytes: objects, and buffers beside them. Collecting is a task of its own, so it is waited for. */
export function heldBytesOf(pid) {
  return evaluate(
    pid,
    `const session = new inspector.Session();
     session.connect();
     session.post('HeapProfiler.enable');
     const collect = () => new Promise((resolve) => session.post('HeapProfiler.collectGarbage', resolve));`,
    `collect().then(collect).then(() => {
       session.disconnect();
       const { heapUsed, external } = process.memoryUsage();
       return heapUsed + external;
     })`,
  );
}

/** Runs statements inside the process; `inspector` is Node's module of that name. @returns what `asked` is worth after them */
async function evaluate(pid, statements, asked = 'undefined') {
  process.kill(pid, 'SIGUSR1');
  const address = await inspectorAddress(pid);
  const expression = `(() => { const inspector = process.getBuiltinModule('node:inspector'); ${statements}
    return Promise.resolve(${asked}).finally(() => setTimeout(() => inspector.close(), 20)); })()`;
  const answer = await ask(address, { id: 1, method: 'Runtime.evaluate', params: { expression, awaitPromise: true } });
  const { result, error } = JSON.parse(answer);
  if (error !== undefined || result?.exceptionDetails !== undefined) throw new Error(`process ${pid}: ${answer.slice(0, 500)}`);
  await untilClosed();
  return result.result.value;
}

async function inspectorAddress(pid) {
  for (const until = Date.now() + 10_000; Date.now() < until; await pause(20)) {
    const [target] = (await list()) ?? [];
    if (target === undefined) continue;
    if (!String(target.title).includes(String(pid)) && !String(target.description).includes('node')) continue;
    return target.webSocketDebuggerUrl;
  }
  throw new Error(`process ${pid} did not open its inspector on port ${inspectorPort}`);
}

async function untilClosed() {
  for (const until = Date.now() + 10_000; Date.now() < until; await pause(20)) if ((await list()) === undefined) return;
  throw new Error(`the inspector on port ${inspectorPort} did not close`);
}

function list() {
  return new Promise((resolve) => {
    get({ port: inspectorPort, host: '127.0.0.1', path: '/json/list', agent: false }, (answer) => {
      let text = '';
      answer.on('data', (piece) => {
        text += piece;
      });
      answer.on('end', () => resolve(JSON.parse(text)));
    }).on('error', () => resolve(undefined));
  });
}

/** One message there and one back over a WebSocket. Node 20 has no client of its own. */
function ask(address, message) {
  const { pathname } = new URL(address);
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  };
  return new Promise((resolve, reject) => {
    const upgrade = request({ port: inspectorPort, host: '127.0.0.1', path: pathname, headers, agent: false });
    upgrade.on('error', reject);
    upgrade.on('upgrade', (_answer, socket, head) => {
      let received = head;
      const look = () => {
        const text = textOf(received);
        if (text === undefined) return;
        resolve(text);
        socket.destroy();
      };
      socket.on('data', (piece) => {
        received = Buffer.concat([received, piece]);
        look();
      });
      socket.on('error', reject);
      socket.write(maskedFrame(JSON.stringify(message)));
    });
    upgrade.end();
  });
}

/** A text frame of a client: final, masked (RFC 6455 §5.2), up to 65 535 bytes. */
function maskedFrame(text) {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const head = Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  for (let index = 0; index < payload.length; index += 1) payload[index] ^= mask[index & 3];
  return Buffer.concat([head, mask, payload]);
}

/** The text of a server's (unmasked) frame; undefined while it is not complete. */
function textOf(bytes) {
  if (bytes.length < 4) return undefined;
  const short = bytes[1] & 0x7f;
  if (short === 127) throw new Error('a frame of more than 65535 bytes was not expected');
  const from = short === 126 ? 4 : 2;
  const length = short === 126 ? bytes.readUInt16BE(2) : short;
  return bytes.length < from + length ? undefined : bytes.toString('utf8', from, from + length);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
