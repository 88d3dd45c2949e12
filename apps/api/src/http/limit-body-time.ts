import type { IncomingMessage, ServerResponse } from 'node:http';
import { headers, SlipwayError } from '@slipway/contracts';
import { newId } from '@slipway/platform';
import { problemOf } from './problem.filter.js';

/** Types of bodies that bring a file; only upload routes take them. */
const uploads = /^(application\/octet-stream|application\/x-ndjson|text\/csv|multipart\/form-data)\b/i;
/** Enough for a full body over a poor line; no credential is looked at before the body is there. */
const bodyMs = 60_000;

/**
 * Answers 408 when a body is not whole in time, and closes the connection of one that is still coming after its answer. An upload may take
 * longer: its route watches over it while it reads.
 */
export function limitBodyTime(request: IncomingMessage, response: ServerResponse, limitMs = bodyMs): void {
  if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined) return;
  const isUpload = uploads.test(request.headers['content-type'] ?? '');
  const timer = setInterval(() => {
    if (response.headersSent) request.destroy();
    else if (!isUpload) answerTooSlow(response, limitMs);
  }, limitMs);
  const stop = () => clearInterval(timer);
  request.once('end', stop).once('close', stop);
}

function answerTooSlow(response: ServerResponse, limitMs: number): void {
  const error = new SlipwayError('BODY_TIMEOUT', `the body was not whole after ${limitMs / 1000} s`);
  response
    .writeHead(error.status, { 'content-type': 'application/problem+json', [headers.error]: error.code, connection: 'close' })
    .end(JSON.stringify(problemOf(error, newId('req'))));
}
