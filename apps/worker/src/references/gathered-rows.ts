import type { ProfileLayout } from '@slipway/contracts';
import { type AnsweredRows, type ReferenceRows, toColumns } from '@slipway/metrics';
import type { ScoredRow } from '../evaluations/score-columns.js';

/** Values that one reference keeps in memory while it is made: 160 MB of numbers. */
const valuesMost = 20_000_000;

/** What is taken over into the thread that makes the reference. */
export interface GatheredReference {
  readonly rows: Omit<ReferenceRows, 'labelled'>;
  /** Rows with a label and an answer, and which of `rows` they are. */
  readonly labelled: { readonly answered: AnsweredRows; readonly places: Uint32Array } | undefined;
}

interface GatheredRow {
  readonly label: string | undefined;
  readonly scored: ScoredRow;
}

/**
 * Gathers rows as they come, with a bound: when it is reached every other row is given up, and from then on only every second, fourth … is taken,
 * so that those that stay are spread evenly over the file.
 */
export class GatheredRows {
  private kept: GatheredRow[] = [];
  private stride = 1;
  private seen = 0;

  constructor(
    private readonly layout: ProfileLayout,
    private readonly rowsMost: number,
  ) {}

  get count(): number {
    return this.kept.length;
  }

  /** Adds a row that the model answered. */
  add(label: string | undefined, scored: ScoredRow): void {
    const place = this.seen;
    this.seen += 1;
    if (scored.columns === undefined || place % this.stride !== 0) return;
    // The row's numbers are part of a whole batch; a copy lets that go.
    const columns = { numbers: scored.columns.numbers.slice(), texts: scored.columns.texts };
    const scores = scored.scores === undefined ? undefined : Float64Array.from(scored.scores);
    this.kept.push({ label, scored: { prediction: scored.prediction, scores, columns } });
    const width = this.layout.columns.length + (scores?.length ?? 0);
    if (this.kept.length <= Math.max(1, Math.min(this.rowsMost, Math.floor(valuesMost / width)))) return;
    this.kept = this.kept.filter((_, index) => index % 2 === 0);
    this.stride *= 2;
  }

  take(): GatheredReference {
    const values = toColumns(
      this.layout,
      this.kept.map(({ scored }) => scored.columns ?? { numbers: new Float64Array(), texts: [] }),
    );
    return { rows: { layout: this.layout, rows: this.kept.length, values }, labelled: this.labelled() };
  }

  private labelled(): GatheredReference['labelled'] {
    const places = Uint32Array.from(this.kept.keys()).filter((row) => {
      const one = this.kept[row];
      return one?.label !== undefined && one.scored.prediction !== null;
    });
    if (places.length === 0) return undefined;
    const rows = Array.from(places, (row) => this.kept[row]);
    const columns = rows[0]?.scored.scores?.length ?? 0;
    const areScored = columns > 0 && rows.every((row) => row?.scored.scores?.length === columns);
    const values = areScored ? new Float64Array(rows.length * columns) : undefined;
    if (values !== undefined) for (const [at, row] of rows.entries()) values.set(row?.scored.scores ?? [], at * columns);
    return {
      places,
      answered: {
        labels: rows.map((row) => row?.label ?? ''),
        predictions: rows.map((row) => row?.scored.prediction ?? null),
        ...(values === undefined ? {} : { scores: { columns, values } }),
      },
    };
  }
}
