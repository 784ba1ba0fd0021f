import { createHash } from 'node:crypto';
import { tokenise } from '../memory/tokenise.ts';
import type { FakeAnswer, SeenCall } from './fake-mesh.ts';

const DIMENSIONS = 256;
/** What a word weighs that is in no group. */
const UNKNOWN = 0.35;

/**
 * A provider of embeddings that speaks OpenAI's wire format and knows a fixed table of words that mean the same. It
 * stands for a real model where none can be had: it shows that vectors of a model are asked for, kept and searched
 * as they must be, and nothing about how well any real model would do.
 */
export function fakeEmbeddings(meanings: readonly (readonly string[])[]): (call: SeenCall) => FakeAnswer {
  const groups = new Map<string, number>();
  for (const [group, words] of meanings.entries())
    for (const word of words)
      groups.set(tokenise(word).findLast((token) => !token.dense)?.text ?? word, group);
  const embed = (text: string): number[] => {
    const vector = new Array<number>(DIMENSIONS).fill(0);
    for (const { text: word } of tokenise(text)) {
      const group = groups.get(word);
      add(vector, group === undefined ? `word ${word}` : `group ${group}`, group === undefined ? UNKNOWN : 1);
    }
    return vector;
  };
  return ({ body }) => {
    const input = typeof body === 'object' && body !== null && 'input' in body ? body.input : [];
    const texts = Array.isArray(input) ? input.map(String) : [];
    return {
      body: {
        object: 'list',
        data: texts.map((text, index) => ({ object: 'embedding', index, embedding: embed(text) })),
        usage: { prompt_tokens: texts.length, total_tokens: texts.length },
      },
    };
  };
}

function add(vector: number[], seed: string, weight: number): void {
  for (let at = 0; at < DIMENSIONS; at += 32) {
    const hash = createHash('sha256').update(`${seed} ${at}`).digest();
    for (let byte = 0; byte < 32; byte += 1)
      vector[at + byte] = (vector[at + byte] ?? 0) + (((hash[byte] ?? 0) - 127.5) / 127.5) * weight;
  }
}
