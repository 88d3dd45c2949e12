/** Timers that end together. */
export class Timers {
  private readonly running = new Set<NodeJS.Timeout>();

  every(ms: number, run: () => void): NodeJS.Timeout {
    const timer = setInterval(run, ms);
    this.running.add(timer);
    return timer;
  }

  after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.running.delete(timer);
      run();
    }, ms);
    this.running.add(timer);
  }

  cancel(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.running.delete(timer);
  }

  clear(): void {
    for (const timer of this.running) clearTimeout(timer);
    this.running.clear();
  }
}
