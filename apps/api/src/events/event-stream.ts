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
  const resumeAfter = positionOf(stream.lastEventId);
  // The hub may read an event only after it was replayed here, or long after the reader had it: each is sent once.
  const sent = new Set<number>();
  const sendOnce = (view: EventView) => {
    if (sent.has(view.sequence) || (resumeAfter !== undefined && view.sequence <= resumeAfter)) return;
    if (sent.size >= resumeMax) sent.clear();
    sent.add(view.sequence);
    send(frame(view));
  };
  let waiting: EventView[] | undefined = [];
  const stop = hub.subscribe(projectId, ({ event, view }) => {
    if (view === undefined) send(`event: ${event}\ndata: {}\n\n`);
    else if (waiting === undefined) sendOnce(view);
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
    if (resumeAfter !== undefined) {
      const rows = await missedEvents(stream.platform.db.prisma, projectId, BigInt(resumeAfter), resumeMax);
      for (const row of rows) sendOnce(toEventView(row));
    }
  } catch (error) {
    // The head is out already: the reader comes back by itself and asks for the missed events again.
    stream.platform.log.warn({ err: error }, 'missed events not read');
    response.end();
    return;
  }
  for (const view of waiting) sendOnce(view);
  waiting = undefined;
}

/** The position in `Last-Event-ID`; undefined when there is none that we gave out. */
function positionOf(lastEventId: string | string[] | undefined): number | undefined {
  return typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
}

function frame(view: EventView): string {
  return `id: ${view.sequence}\nevent: ${view.action}\ndata: ${JSON.stringify(view)}\n\n`;
}
