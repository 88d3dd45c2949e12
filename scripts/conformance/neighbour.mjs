import { difference } from './compare.mjs';
import { describeHealth, Health } from './health.mjs';
import { attempt } from './tally.mjs';
import { filledTensor } from './tensors.mjs';
import { describe } from './transports.mjs';

const everyMs = 200;
const withinMs = 10_000;

/**
 * Asks another deployment for predictions by REST and gRPC, and the API whether it lives, five times a second: nothing that happens beside
 * them may show. Bounded: a probe gives up after 10 s.
 */
export class Neighbour {
  constructor(shelf, name, inputs) {
    this.shelf = shelf;
    this.name = name;
    this.inputs = inputs.map((input) => filledTensor(input, 1));
    this.probes = new Map();
    this.open = new Set();
  }

  /** The first answer is what all others have to be like. */
  async start() {
    const { answer, outputs } = await this.shelf.infer(this.name, this.inputs, 'REST JSON');
    if (outputs === undefined) throw new Error(`the neighbour does not answer: ${describe(answer)}`);
    this.expected = outputs;
    this.health = new Health(this.shelf.product.ports.grpc);
    this.timer = setInterval(() => {
      this.probe('predictions by REST', () => this.predictionFault('REST JSON'));
      this.probe('predictions by gRPC', () => this.predictionFault('gRPC raw'));
      this.probe('health by REST', () => describeHealth(this.shelf.product.url, withinMs));
      this.probe('health by gRPC', () => this.health.fault(withinMs));
    }, everyMs);
    return this;
  }

  probe(kind, look) {
    const seen = this.probes.get(kind) ?? { asked: 0, faults: [], slowestMs: 0 };
    this.probes.set(kind, seen);
    seen.asked += 1;
    const sentAt = performance.now();
    const done = look()
      .catch((error) => error.message)
      .then((fault) => {
        if (fault !== undefined) seen.faults.push(`${fault} (${new Date().toISOString()})`);
        seen.slowestMs = Math.max(seen.slowestMs, performance.now() - sentAt);
        this.open.delete(done);
      });
    this.open.add(done);
  }

  async predictionFault(transport) {
    const { answer, outputs } = await this.shelf.infer(this.name, this.inputs, transport, { timeoutMs: withinMs });
    return outputs === undefined ? describe(answer) : difference(this.expected, outputs, 'exact');
  }

  /** Ends the probes and judges them. */
  async conclude(figure) {
    clearInterval(this.timer);
    await Promise.all(this.open);
    this.health.close();
    for (const [kind, { asked, faults, slowestMs }] of this.probes) {
      const label = `${kind}: ${asked} asked, the slowest took ${Math.round(slowestMs)} ms`;
      await attempt(figure, label, async () => (faults.length === 0 ? undefined : `${faults.length} of ${asked} failed: ${faults[0]}`));
    }
  }
}
