/** Numbers as a person reads them: 14 155, 0.31, 3·10⁻⁹. */
export function rowsText(rows: number): string {
  return String(Math.round(rows)).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

export function sizeText(value: number): string {
  return Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(2);
}

export function chanceText(p: number): string {
  if (p >= 0.001) return `p ${Number(p.toPrecision(2))}`;
  if (p < 1e-300) return 'p < 10⁻³⁰⁰';
  const exponent = Math.floor(Math.log10(p));
  return `p ${(p / 10 ** exponent).toFixed(0)}·10${superscript(exponent)}`;
}

export function percentText(share: number): string {
  const percent = share * 100;
  return `${percent === 0 || percent >= 10 ? percent.toFixed(0) : percent >= 0.1 ? percent.toFixed(1) : percent.toPrecision(1)} %`;
}

/** "age, income and 3 more". */
export function namesText(names: readonly string[], most = 3): string {
  if (names.length <= most) return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

function superscript(exponent: number): string {
  const digits = '⁰¹²³⁴⁵⁶⁷⁸⁹';
  return [...String(exponent)].map((sign) => (sign === '-' ? '⁻' : (digits[Number(sign)] ?? ''))).join('');
}
