import type { PatternProgram } from './compile-pattern.ts';

type Slots = readonly (number | undefined)[];
interface Thread {
  step: number;
  slots: Slots;
}

/** The leftmost match and, of those, the one that a backtracking engine would prefer; null without one. */
export function runPattern(program: PatternProgram, text: string): string[] | null {
  const characters = Array.from(text);
  const none: Slots = new Array((program.groups + 1) * 2).fill(undefined);
  let threads: Thread[] = [];
  let found: Slots | null = null;
  for (let at = 0; at <= characters.length; at += 1) {
    // A later start is wanted only while no earlier one is under way: the leftmost match wins.
    const starts = found ? threads : [...threads, { step: 0, slots: none }];
    const reached = follow(program, starts, at, characters);
    threads = [];
    for (const thread of reached) {
      const step = program.steps[thread.step];
      if (step?.type === 'found') {
        found = thread.slots;
        break; // Those behind it are less preferred.
      }
      const character = characters[at];
      if (step?.type === 'character' && character !== undefined && step.test(character))
        threads.push({ step: thread.step + 1, slots: thread.slots });
    }
    if (found && threads.length === 0) break;
  }
  if (!found) return null;
  const slots = found;
  return Array.from({ length: program.groups + 1 }, (_, group) => {
    const start = slots[group * 2];
    const end = slots[group * 2 + 1];
    return start === undefined || end === undefined ? '' : characters.slice(start, end).join('');
  });
}

/** Everything reachable without reading a character, in order of preference, each step once. */
function follow(program: PatternProgram, starts: Thread[], at: number, characters: string[]): Thread[] {
  const seen = new Set<number>();
  const reached: Thread[] = [];
  const waiting = starts.toReversed();
  for (let thread = waiting.pop(); thread; thread = waiting.pop()) {
    if (seen.has(thread.step)) continue;
    seen.add(thread.step);
    const step = program.steps[thread.step];
    switch (step?.type) {
      case 'jump':
        waiting.push({ step: step.to, slots: thread.slots });
        break;
      case 'split':
        waiting.push({ step: step.second, slots: thread.slots }, { step: step.first, slots: thread.slots });
        break;
      case 'save':
        waiting.push({ step: thread.step + 1, slots: thread.slots.with(step.slot, at) });
        break;
      case 'assertion':
        if (step.holds(characters[at - 1], characters[at]))
          waiting.push({ step: thread.step + 1, slots: thread.slots });
        break;
      default:
        reached.push(thread);
    }
  }
  return reached;
}
