import { monotonicFactory } from 'ulid';

/** A prefix per kind, so that a mix-up shows in a log. */
export type IdPrefix =
  | 'prj'
  | 'key'
  | 'mdl'
  | 'ver'
  | 'dep'
  | 'rev'
  | 'rol'
  | 'ins'
  | 'hst'
  | 'jtk'
  | 'rul'
  | 'alr'
  | 'rcv'
  | 'dlv'
  | 'evt'
  | 'prd'
  | 'lbl'
  | 'req'
  | 'bat'
  | 'rpl'
  | 'dst'
  | 'evl'
  | 'ref'
  | 'rtr'
  | 'pln'
  | 'shd'
  | 'qta'
  | 'flr'
  | 'frz'
  | 'slo';

const next = monotonicFactory();

/** A new identifier: the kind's prefix and a ULID, sortable by time. */
export function newId<P extends IdPrefix>(prefix: P): `${P}_${string}` {
  return `${prefix}_${next()}`;
}
