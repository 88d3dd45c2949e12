import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseServerSentEvents, type ServerSentEvent } from './parse-server-sent-events';

const stream = 'id: 7\nevent: deployment.created\ndata: {"a":1}\n\n: heartbeat\n\nevent: routing\ndata: {}\n\nid: 8\ndata: one\ndata: two\n\n';

describe('parseServerSentEvents', () => {
  it('reads ids, names and data, skips comments', () => {
    expect(parseServerSentEvents(stream)).toEqual({
      events: [
        { id: '7', event: 'deployment.created', data: '{"a":1}' },
        { id: undefined, event: 'routing', data: '{}' },
        { id: '8', event: 'message', data: 'one\ntwo' },
      ],
      rest: '',
    });
  });

  it('gives the same events however the stream is cut', () => {
    const whole = parseServerSentEvents(stream).events;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 8 }), (cuts) => {
        const borders = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const seen: ServerSentEvent[] = [];
        let rest = '';
        borders.slice(1).forEach((end, index) => {
          const parsed = parseServerSentEvents(rest + stream.slice(borders[index], end));
          seen.push(...parsed.events);
          rest = parsed.rest;
        });
        expect(seen).toEqual(whole);
      }),
    );
  });
});
