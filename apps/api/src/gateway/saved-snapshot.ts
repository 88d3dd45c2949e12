import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The last known routing rows on disk, so that a gateway that starts while the database is away can serve. */
export class SavedSnapshot {
  private readonly path: string;
  private writing: Promise<void> | undefined;
  private next: string | undefined;

  /** @param home absolute path of SLIPWAY_HOME. */
  constructor(home: string) {
    this.path = join(home, 'run', 'snapshot.json');
  }

  /** The text as it was saved; undefined when there is none. */
  async read(): Promise<string | undefined> {
    try {
      return await readFile(this.path, 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Saves the text; when texts come faster than they can be written, only the newest is. Resolves when nothing is left to write. */
  save(text: string): Promise<void> {
    this.next = text;
    this.writing ??= this.writeAll().finally(() => {
      this.writing = undefined;
    });
    return this.writing;
  }

  /** Resolves when nothing is being written, whether it succeeded or not. */
  async settled(): Promise<void> {
    await this.writing?.catch(() => undefined);
  }

  private async writeAll(): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true });
    while (this.next !== undefined) {
      const text = this.next;
      this.next = undefined;
      // Under another name first: a reader never finds half a file, whenever this process ends.
      const unfinished = `${this.path}.${process.pid}`;
      await writeFile(unfinished, text, { mode: 0o600 });
      await rename(unfinished, this.path);
    }
  }
}
