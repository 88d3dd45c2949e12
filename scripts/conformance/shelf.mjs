import { pause } from '../verify/load.mjs';
import { GrpcClient } from './grpc.mjs';
import { send } from './rest.mjs';
import { predict } from './transports.mjs';

const settleMs = 120_000;
const pollMs = 200;

/** Puts model files into the running product and takes them away again through its public REST API, and asks for predictions. */
export class Shelf {
  constructor(product) {
    this.product = product;
    this.authorization = `Bearer ${product.key}`;
    this.grpc = new GrpcClient(product.ports.grpc);
  }

  /** Uploads a file as a version of a model, which is made first. @returns the answer: {status, body} */
  async upload(model, bytes) {
    await this.call('POST', '/v1/models', JSON.stringify({ name: model }));
    for (;;) {
      const answer = await this.call('POST', `/v1/models/${model}/versions`, bytes);
      // "Busy" asks the sender to come again.
      if (answer.status !== 429) return answer;
      await pause(pollMs);
    }
  }

  /** The version once it is judged. */
  async judged(model, version) {
    return this.until(`${model} version ${version} to be validated`, async () => {
      const { body } = await this.call('GET', `/v1/models/${model}/versions/${version}`);
      return body.status === 'READY' || body.status === 'REJECTED' ? body : undefined;
    });
  }

  /** Uploads and waits. @returns {verdict: 'refused' | 'REJECTED' | 'READY', reasons, version, view} */
  async offer(model, bytes) {
    const { status, body } = await this.upload(model, bytes);
    if (status >= 400 && status < 500) return { verdict: 'refused', reasons: [body?.detail ?? body?.title ?? ''] };
    if (status !== 201) throw new Error(`the upload was answered with ${status}: ${JSON.stringify(body).slice(0, 160)}`);
    const view = await this.judged(model, body.version);
    return { verdict: view.status, reasons: view.reasons, version: body.version, view };
  }

  /** Deploys a version under the model's name and waits until it serves. */
  async deploy(model, version) {
    const wish = { name: model, model, version, spec: { keepWarmSeconds: 60 } };
    await this.ask('POST', '/v1/deployments', JSON.stringify(wish));
    await this.served(model, version);
  }

  /** A newer version; it serves once it has the traffic. */
  async revise(model, version) {
    await this.ask('POST', `/v1/deployments/${model}/revisions`, JSON.stringify({ version }));
    await this.until(`${model} version ${version} to have the traffic`, async () => {
      const { split } = await this.rolledOut(model);
      return split?.length === 1 && split[0].version === version ? true : undefined;
    });
    await this.served(model, version);
  }

  /** Waits until a version is ready by the protocol. That is answered from memory; the registry is asked only now and then. */
  async served(name, version) {
    for (const path of [`${name}/versions/${version}`, name]) {
      const ready = `${this.product.url}/v2/models/${path}/ready`;
      await this.until(`${path} to be ready`, async (look) => {
        if (look % 20 === 19) await this.rolledOut(name);
        return (await send(ready, { headers: { authorization: this.authorization } })).status === 200 ? true : undefined;
      });
    }
  }

  /** The deployment by the control API; an aborted rollout ends every wait for it. */
  async rolledOut(name) {
    const { body } = await this.call('GET', `/v1/deployments/${name}`);
    if (body.rollout?.status === 'ABORTED') throw new Error(`the rollout of ${name} was aborted: ${body.rollout.causeDetail ?? body.rollout.cause}`);
    return body;
  }

  async remove(name) {
    await this.ask('DELETE', `/v1/deployments/${name}`);
  }

  /** What is wrong with the readiness of a deployment by REST; undefined when it is as wanted. */
  async readyFault(name, isWanted) {
    const { status } = await send(`${this.product.url}/v2/models/${name}/ready`);
    return (status === 200) === isWanted ? undefined : `afterwards readiness is answered with ${status}`;
  }

  /** Uploads and deploys. */
  async place(model, bytes) {
    const { verdict, reasons, version } = await this.offer(model, bytes);
    if (verdict !== 'READY') throw new Error(`${verdict}: ${reasons.join(' ')}`);
    await this.deploy(model, version);
  }

  /** Uploads, deploys, works, deletes the deployment. */
  async serving(model, bytes, work) {
    await this.place(model, bytes);
    try {
      return await work({ name: model });
    } finally {
      await this.remove(model);
    }
  }

  /** Sends a prediction to a deployment, see `predict`. */
  infer(name, inputs, transport, options) {
    return predict({ product: this.product, grpc: this.grpc, name, version: options?.version }, inputs, transport, options);
  }

  async metadata(name) {
    const { status, body } = await send(`${this.product.url}/v2/models/${name}`);
    if (status !== 200) throw new Error(`the metadata was answered with ${status}`);
    return JSON.parse(body.toString('utf8'));
  }

  async call(method, path, body) {
    const type = body === undefined ? {} : { 'content-type': typeof body === 'string' ? 'application/json' : 'application/octet-stream' };
    const headers = { authorization: this.authorization, ...type };
    const answer = await send(`${this.product.url}${path}`, { method, headers, body });
    const text = answer.body.toString('utf8');
    return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  async ask(method, path, body) {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`);
    return answer.body;
  }

  async until(what, look) {
    const deadline = performance.now() + settleMs;
    for (let count = 0; ; count += 1) {
      const found = await look(count);
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`waited ${settleMs / 1000} s for ${what}`);
      await pause(pollMs);
    }
  }
}

/** Works through the items, `width` of them at a time. */
export async function pool(width, items, work) {
  const rest = [...items];
  const lane = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
