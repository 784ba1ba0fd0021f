import { z } from 'zod';
import { type AnyTool, defineTool } from '../tools/tool.ts';
import type { Memory, Remembered } from './memory.ts';
import { MEMORY_LIMITS } from './memory-limits.ts';

/** Keeps one fact. Whether a person said it is looked up in the turn's record: the model cannot claim it. */
export function createMemorySave(memory: () => Promise<Memory>): AnyTool {
  const { textChars, categoryChars, scopeChars, keyChars } = MEMORY_LIMITS;
  return defineTool({
    name: 'memory_save',
    description:
      'Remember one fact beyond this conversation. What the user said is kept as the user’s only in whole sentences, word for word; anything else is kept as your own note. With a key it takes the place of the older fact of that key.',
    schema: z.strictObject({
      text: z.string().min(1).max(textChars).describe('One statement, understandable by itself.'),
      category: z
        .string()
        .max(categoryChars)
        .default('')
        .describe('preference, person, project, constraint (what the user wants to hold from now on), …'),
      scope: z.string().max(scopeChars).default('').describe('What it is about: a customer, a project, …'),
      key: z.string().max(keyChars).default('').describe('What it is the value of: budget, address, …'),
    }),
    run: async (fact, { messageId }) => {
      const [remembered] = (await memory()).remember([{ ...fact, source: { messageId } }]);
      if (remembered === undefined || remembered.outcome === 'refused') {
        return { outcome: 'error', output: `not remembered: ${remembered?.problem ?? 'unknown'}` };
      }
      return { outcome: 'ok', output: `#${remembered.id}: ${WORDS[remembered.outcome]}${whose(remembered)}` };
    },
  });
}

const WORDS = {
  added: 'remembered',
  known: 'this was known already',
  replaced: 'remembered, in place of the older value',
  beside: 'remembered beside what a person said of the same key, which stays as it is',
} as const;

function whose({ trusted }: Exclude<Remembered, { outcome: 'refused' }>): string {
  return trusted ? ', as a person said it' : ', unverified: these are not the words of a person in this turn';
}
