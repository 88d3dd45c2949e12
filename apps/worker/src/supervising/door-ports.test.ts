import { expect, it } from 'vitest';
import { DoorPorts } from './door-ports.js';

it('gives each instance a port of its own, the next one after the last, and none when all are taken', () => {
  const ports = new DoorPorts({ from: 4200, to: 4202 });
  ports.keep('adopted', 4201);
  expect([ports.take('a'), ports.take('b')]).toEqual([4200, 4202]);
  expect(() => ports.take('c')).toThrow('all ports of SLIPWAY_INSTANCE_PORTS (4200-4202) are taken');
  ports.free('a');
  expect(ports.take('c')).toBe(4200);
  ports.free('b');
  ports.free('c');
  expect(ports.take('d')).toBe(4202);
});
