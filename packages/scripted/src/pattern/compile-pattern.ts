import type { CharacterTest, ParsedPattern, PatternNode } from './parse-pattern.ts';

export type Step =
  | { type: 'character'; test: CharacterTest }
  /** Both ways at once; `first` is preferred. */
  | { type: 'split'; first: number; second: number }
  | { type: 'jump'; to: number }
  | { type: 'save'; slot: number }
  | { type: 'assertion'; holds: (before: string | undefined, after: string | undefined) => boolean }
  | { type: 'found' };

export interface PatternProgram {
  steps: readonly Step[];
  groups: number;
}

/** Steps of one pattern, counted repeats written out. */
const MOST_STEPS = 1000;

/** Throws SyntaxError when the pattern is too large. */
export function compilePattern({ root, groups }: ParsedPattern): PatternProgram {
  const steps: Step[] = [];
  const add = (step: Step): number => {
    if (steps.length >= MOST_STEPS)
      throw new SyntaxError(`the expression is too large: over ${MOST_STEPS} steps, repeats written out`);
    return steps.push(step) - 1;
  };
  const split = (greedy: boolean, into: number, past: number): Step =>
    greedy ? { type: 'split', first: into, second: past } : { type: 'split', first: past, second: into };

  const optional = (greedy: boolean, body: () => void, loop: boolean): void => {
    const at = add({ type: 'jump', to: 0 });
    body();
    if (loop) add({ type: 'jump', to: at });
    steps[at] = split(greedy, at + 1, steps.length);
  };

  const emit = (node: PatternNode): void => {
    switch (node.type) {
      case 'character':
      case 'assertion':
        add(node);
        return;
      case 'sequence':
        node.nodes.forEach(emit);
        return;
      case 'group':
        add({ type: 'save', slot: node.index * 2 });
        emit(node.node);
        add({ type: 'save', slot: node.index * 2 + 1 });
        return;
      case 'choice':
        emitChoice(node.nodes);
        return;
      case 'repeat':
        emitRepeat(node);
        return;
    }
  };

  const emitChoice = (nodes: PatternNode[]): void => {
    const ends: number[] = [];
    nodes.forEach((node, index) => {
      if (index === nodes.length - 1) {
        emit(node);
        return;
      }
      const at = add({ type: 'jump', to: 0 });
      emit(node);
      ends.push(add({ type: 'jump', to: 0 }));
      steps[at] = { type: 'split', first: at + 1, second: steps.length };
    });
    for (const end of ends) steps[end] = { type: 'jump', to: steps.length };
  };

  const emitRepeat = ({ node, min, max, greedy }: Extract<PatternNode, { type: 'repeat' }>): void => {
    for (let count = 0; count < min; count += 1) emit(node);
    if (max === Infinity) {
      optional(greedy, () => emit(node), true);
      return;
    }
    // Each further one only inside the one before it, so that they are taken in order.
    const further = (left: number): void => {
      if (left > 0)
        optional(
          greedy,
          () => {
            emit(node);
            further(left - 1);
          },
          false,
        );
    };
    further(max - min);
  };

  add({ type: 'save', slot: 0 });
  emit(root);
  add({ type: 'save', slot: 1 });
  add({ type: 'found' });
  return { steps, groups };
}
