import { readFileSync } from 'node:fs';

/** The labelled set by which the quality of retrieval is measured: facts, queries, and which facts answer which. */
export interface MemorySet {
  facts: { tag: string; category: string; scope: string; text: string }[];
  queries: { kind: string; query: string; answers: string[] }[];
  /** Words that mean about the same, a group a line: what the fake embedding model knows. */
  meanings: string[][];
}

export function readMemorySet(): MemorySet {
  const lines = (name: string) =>
    readFileSync(new URL(`memory-set/${name}.txt`, import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  return {
    facts: lines('facts').map((line) => {
      const [tag = '', category = '', scope = '', text = ''] = line.split('|');
      return { tag, category, scope, text };
    }),
    queries: lines('queries').map((line) => {
      const [kind = '', query = '', answers = ''] = line.split('|');
      return { kind, query, answers: answers.split(',') };
    }),
    meanings: lines('meanings').map((line) => line.split(' ')),
  };
}
