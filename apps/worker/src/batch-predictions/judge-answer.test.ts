import { type ErrorCode, statusOf } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { judgeAnswer, type Tried } from './judge-answer.js';

const many: Tried = { rows: 8, deaths: 0, faults: 0 };
const one: Tried = { rows: 1, deaths: 0, faults: 0 };
const of = (code: ErrorCode) => ({ status: statusOf(code), code, message: 'why', retryAfterSeconds: undefined });
const status = (number: number) => ({ status: number, code: undefined, message: 'why', retryAfterSeconds: undefined });

describe('judgeAnswer', () => {
  it.each<[string, ReturnType<typeof of> | ReturnType<typeof status>, Tried, string]>([
    ['an answer', status(200), many, 'answered'],
    ['a full queue', of('QUEUE_FULL'), many, 'wait'],
    ['no instance', of('DEPLOYMENT_NOT_READY'), many, 'wait'],
    ['a gateway that leaves', of('DRAINING'), one, 'wait'],
    ['no gateway', status(0), one, 'wait'],
    ['a proxy without a gateway', status(502), many, 'wait'],
    ['a credential that is not taken', of('CREDENTIAL_INVALID'), many, 'wait'],
    ['a version that is not there', of('VERSION_NOT_FOUND'), many, 'look'],
    ['a deployment that is not there', of('DEPLOYMENT_NOT_FOUND'), one, 'look'],
    ['bad input among many', of('INFER_INVALID'), many, 'split'],
    ['bad input of one', of('INFER_INVALID'), one, 'bad'],
    ['too much among many', of('INFER_TOO_LARGE'), many, 'split'],
    ['a body over the limit', of('BODY_TOO_LARGE'), one, 'bad'],
    ['a model that fails on many', of('MODEL_RUN_FAILED'), many, 'split'],
    ['a model that fails on one', of('MODEL_RUN_FAILED'), one, 'bad'],
    ['a mistake of ours on one, the first time', of('INTERNAL'), one, 'wait'],
    ['a mistake of ours on one, the third time', of('INTERNAL'), { ...one, faults: 2 }, 'bad'],
    ['a process that ended under many', of('INSTANCE_GONE'), many, 'alone'],
    ['a process that ended under one', of('INSTANCE_GONE'), one, 'wait'],
    ['a process that ended under one again', of('INSTANCE_GONE'), { ...one, deaths: 1 }, 'bad'],
    ['quarantined rows', of('INPUT_QUARANTINED'), many, 'alone'],
    ['a quarantined row', of('INPUT_QUARANTINED'), one, 'bad'],
    ['an answer that makes no sense', status(418), many, 'give-up'],
  ])('%s', (_name, outcome, tried, kind) => {
    expect(judgeAnswer(outcome, tried).kind).toBe(kind);
  });

  it('tries fewer rows after a deadline, and only then', () => {
    expect(judgeAnswer(of('DEADLINE_EXCEEDED'), many)).toMatchObject({ kind: 'wait', smaller: true });
    expect(judgeAnswer(of('DEADLINE_EXCEEDED'), one)).toMatchObject({ kind: 'wait', smaller: false });
    expect(judgeAnswer(of('QUEUE_FULL'), many)).toMatchObject({ kind: 'wait', smaller: false });
  });

  it('counts a row that ends processes as deadly', () => {
    expect(judgeAnswer(of('INSTANCE_GONE'), { ...one, deaths: 1 })).toMatchObject({ isDeadly: true });
    expect(judgeAnswer(of('INPUT_QUARANTINED'), one)).toMatchObject({ isDeadly: true });
    expect(judgeAnswer(of('MODEL_RUN_FAILED'), one)).toMatchObject({ isDeadly: false });
  });
});
