import type { Judgement } from '@slipway/contracts';
import { Badge, type Tone } from './status';

const looks: Readonly<
  Record<Judgement['verdict'], { readonly tone: Tone; readonly word: string; readonly icon: 'check-circle' | 'flame' | 'dash' }>
> = {
  ok: { tone: 'ok', word: 'As it should be', icon: 'check-circle' },
  alarm: { tone: 'bad', word: 'Alarm', icon: 'flame' },
  insufficient: { tone: 'idle', word: 'Too little to judge', icon: 'dash' },
};

/** A verdict as word, tone and shape. */
export function Verdict({ value }: { readonly value: Judgement['verdict'] }) {
  const { tone, word, icon } = looks[value];
  return (
    <Badge tone={tone} icon={icon}>
      {word}
    </Badge>
  );
}
