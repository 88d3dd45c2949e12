/** A model's run cannot be interrupted, and live requests may stand behind it: so long may one of ours take. */
const targetMs = 15;
/** Answers are held in memory, and what is made of them as well. */
const answerBytesMost = 8 * 1024 * 1024;
/** Where nothing is known of a model. */
const firstRows = 16;
/** Of so many last requests the cheapest tells what a row costs: the others waited for a core, or stood in a queue. */
const remembered = 8;

/** What a request cost. */
export interface RequestCost {
  readonly rows: number;
  /** The model's time; where that is not known, until the answer was there. */
  readonly tookMs: number;
  readonly answerBytes: number;
}

/** Learns how many rows a request should have: as many as the model answers in a moment. */
export class RequestSize {
  private present: number;
  private readonly costs: RequestCost[] = [];

  constructor(private most: number) {
    this.present = Math.min(firstRows, most);
  }

  get rows(): number {
    return this.present;
  }

  learn(cost: RequestCost): void {
    this.costs.push(cost);
    if (this.costs.length > remembered) this.costs.shift();
    const msPerRow = Math.min(...this.costs.map(({ tookMs, rows }) => tookMs / rows));
    const bytesPerRow = Math.max(...this.costs.map(({ answerBytes, rows }) => answerBytes / rows));
    const right = Math.floor(Math.min(targetMs / msPerRow, answerBytesMost / bytesPerRow));
    this.present = Math.max(1, Math.min(this.most, right, 2 * this.present));
  }

  /** These were too many. */
  halve(): void {
    this.present = Math.max(1, Math.floor(this.present / 2));
  }

  /** From now on rows travel alone. */
  alone(): void {
    this.most = 1;
    this.present = 1;
  }
}
