import { execFileSync } from 'node:child_process';

/** One end of the cable on this side, the other one in the namespace. */
const here = '10.213.7.1';
const there = '10.213.7.2';

/** Why namespaces cannot be made here; undefined when they can. */
export const noNamespaces: string | undefined = (() => {
  const name = `slw-try-${process.pid}`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${error instanceof Error ? error.message.split('\n').at(-1) : error}`;
  }
})();

/** Another machine, as far as the network is concerned: a namespace with a cable to this one that can be pulled. */
export class OtherHost {
  readonly here = here;
  readonly there = there;
  private readonly cable: string;

  private constructor(readonly namespace: string) {
    this.cable = `slw${process.pid % 100_000}`;
  }

  static add(): OtherHost {
    const host = new OtherHost(`slw-${process.pid}`);
    const { namespace, cable } = host;
    ip('netns', 'add', namespace);
    try {
      ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      ip('addr', 'add', `${here}/24`, 'dev', cable);
      ip('link', 'set', cable, 'up');
      ip('-n', namespace, 'addr', 'add', `${there}/24`, 'dev', 'eth0');
      ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
    } catch (error) {
      host.remove();
      throw error;
    }
    return host;
  }

  /** Nothing goes through any more, and nobody is told. */
  pullCable(): void {
    ip('-n', this.namespace, 'link', 'set', 'eth0', 'down');
  }

  plugCable(): void {
    ip('-n', this.namespace, 'link', 'set', 'eth0', 'up');
  }

  remove(): void {
    ip('netns', 'del', this.namespace);
    try {
      ip('link', 'del', this.cable);
    } catch {
      // It went with its other end.
    }
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}
