// How many turns of the stopwatch model take a wanted time on this machine.
import { closedLoop, Sender } from '../open-loop.mjs';
import { quantile } from '../statistics.mjs';

const firstTurns = 3_000;

/** The body of a request that keeps the instance busy for about `ms`. */
export async function turnsFor(server, ms) {
  const short = await medianOf(server, 10);
  const long = await medianOf(server, firstTurns);
  const turns = Math.round((ms * firstTurns) / (long - short));
  return bodyOf(turns);
}

async function medianOf(server, turns) {
  const sender = new Sender({ ...server, body: bodyOf(turns), headers: { ...server.headers, 'content-type': 'application/json' } });
  await closedLoop(sender, 1, 0.5);
  const { entries } = await closedLoop(sender, 1, 1);
  sender.close();
  const failed = entries.find(({ status }) => status !== 200);
  if (failed !== undefined) throw new Error(`the stopwatch answers ${failed.status}`);
  return quantile(
    entries.map(({ latencyMs }) => latencyMs),
    0.5,
  );
}

function bodyOf(turns) {
  return Buffer.from(JSON.stringify({ inputs: [{ name: 'turns', datatype: 'INT64', shape: [], data: [turns] }] }));
}
