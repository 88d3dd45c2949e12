import type { ServerResponse } from 'node:http';
import type { EventView } from '@slipway/contracts';
import type { Platform } from '../platform.js';
import { missedEvents, toEventView } from './event.store.js';
import type { EventHub } from './event-hub.js';

const heartbeatMs = 15_000;
/** A reader that is further behind than this starts anew: the console then reads everything again anyway. */
const resumeMax = 1_000;
/** A reader that does not take what is sent is cut off at this many waiting bytes. */
const waitingBytesMax = 1024 * 1024;

/** Server-sent events of one project until the reader leaves. Resumes after `Last-Event-ID`. */
export async function openEventStream(stream: {
  platform: Platform;
  hub: EventHub;
  projectId: string;
  lastEventId: string | string[] | undefined;
  response: ServerResponse;
  /** Whether the reader may still see what comes; asked before everything that is sent. */
  mayRead: () => boolean;
}): Promise<void> {
  const { response, hub, projectId } = stream;
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.write('retry: 2000\n\n');
  const send = (text: string) => {
    if (response.writableLength > waitingBytesMax) response.destroy();
    else if (!stream.mayRead()) response.end();
    else response.write(text);
  };
  let replayed: Set<number> | undefined = new Set();
  const waiting: EventView[] = [];
  const stop = hub.subscribe(projectId, ({ event, view }) => {
    if (view === undefined) send(`event: ${event}\ndata: {}\n\n`);
    else if (replayed === undefined) send(frame(view));
    else waiting.push(view);
  });
  const heartbeat = setInterval(() => send(': still here\n\n'), heartbeatMs);
  const leave = hub.onClose(() => response.end());
  response.on('close', () => {
    stop();
    leave();
    clearInterval(heartbeat);
  });
  try {
    for (const view of await missed(stream)) {
      replayed.add(view.sequence);
      send(frame(view));
    }
  } catch (error) {
    // The head is out already: the reader comes back by itself and asks for the missed events again.
    stream.platform.log.warn({ err: error }, 'missed events not read');
    response.end();
    return;
  }
  for (const view of waiting) if (!replayed.has(view.sequence)) send(frame(view));
  replayed = undefined;
}

async function missed(stream: { platform: Platform; projectId: string; lastEventId: string | string[] | undefined }): Promise<EventView[]> {
  const { lastEventId } = stream;
  if (typeof lastEventId !== 'string' || !/^\d{1,18}$/.test(lastEventId)) return [];
  const rows = await missedEvents(stream.platform.db.prisma, stream.projectId, BigInt(lastEventId), resumeMax);
  return rows.map(toEventView);
}

function frame(view: EventView): string {
  return `id: ${view.sequence}\nevent: ${view.action}\ndata: ${JSON.stringify(view)}\n\n`;
}
