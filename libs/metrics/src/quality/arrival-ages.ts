const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Ages (ms after the prediction) up to which first labels are counted together; later ones are counted in one more place. */
export const arrivalAges: readonly number[] = [
  minute,
  5 * minute,
  15 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  3 * day,
  7 * day,
  14 * day,
  30 * day,
  60 * day,
  90 * day,
];

/** The place of a label that came so long after its prediction. */
export function arrivalPlace(delayMs: number): number {
  const place = arrivalAges.findIndex((age) => delayMs <= age);
  return place === -1 ? arrivalAges.length : place;
}
