import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { tokenise } from '../memory/tokenise.ts';
import type { MeshClient } from '../pipe/pipe.ts';

const DIMENSIONS = 256;
/** What a word weighs that is in no group. */
const UNKNOWN = 0.35;

export interface FakeEmbeddings extends MeshClient {
  /** Texts of each call for vectors, in order. */
  asked: string[][];
  /** Status of the answers from now on. */
  status: number;
}

/**
 * A mesh with a provider of embeddings that speaks the wire format of `dialect` and knows a fixed table of words that
 * mean the same. It stands for a real model where none can be had: it shows that vectors of a model are asked for,
 * kept and searched as they must be, and nothing about how well any real model would do. `p/embed`, `p/other`.
 */
export function fakeEmbeddings(
  meanings: readonly (readonly string[])[],
  dialect: 'openai-chat' | 'google' = 'openai-chat',
): FakeEmbeddings {
  const groups = new Map<string, number>();
  for (const [group, words] of meanings.entries())
    for (const word of words)
      groups.set(
        tokenise(word).findLast(({ text, dense }) => !dense || text.length > 1)?.text ?? word,
        group,
      );
  const mesh: FakeEmbeddings = {
    asked: [],
    status: 200,
    async call({ path, body, signal }) {
      signal?.throwIfAborted();
      if (path === '/mesh/models') {
        const model = { dialect, contextTokens: 8000, maxOutputTokens: 1, embedding: true };
        return answer(200, { models: ['p/embed', 'p/other'].map((name) => ({ model: name, ...model })) });
      }
      const asked: unknown = JSON.parse(String(body));
      const texts = textsOf(asked);
      mesh.asked.push(texts);
      if (mesh.status !== 200) return answer(mesh.status, { error: { message: 'not now' } });
      // Another model has other vectors.
      const vectors = texts.map((text) => embed(text, groups, `${path} ${modelOf(asked)}`));
      return answer(
        200,
        dialect === 'google'
          ? { embeddings: vectors.map((values) => ({ values })) }
          : {
              object: 'list',
              data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
            },
      );
    },
  };
  return mesh;
}

function answer(status: number, body: unknown) {
  return { status, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(body))]) };
}

function modelOf(asked: unknown): string {
  return typeof asked === 'object' && asked !== null && 'model' in asked ? String(asked.model) : '';
}

/** Of OpenAI's `input`, or of Google's `requests[].content.parts[].text`. */
function textsOf(asked: unknown): string[] {
  if (typeof asked !== 'object' || asked === null) return [];
  if ('input' in asked && Array.isArray(asked.input)) return asked.input.map(String);
  const texts = JSON.stringify(asked).matchAll(/"text":("(?:[^"\\]|\\.)*")/g);
  return [...texts].map(([, text]) => String(JSON.parse(text ?? '""')));
}

function embed(text: string, groups: ReadonlyMap<string, number>, model: string): number[] {
  const vector = new Array<number>(DIMENSIONS).fill(0);
  for (const { text: word } of tokenise(text)) {
    const group = groups.get(word);
    const known = group === undefined ? `word ${word}` : `group ${group}`;
    add(vector, `${model} ${known}`, group === undefined ? UNKNOWN : 1);
  }
  return vector;
}

function add(vector: number[], seed: string, weight: number): void {
  for (let at = 0; at < DIMENSIONS; at += 32) {
    const hash = createHash('sha256').update(`${seed} ${at}`).digest();
    for (let byte = 0; byte < 32; byte += 1)
      vector[at + byte] = (vector[at + byte] ?? 0) + (((hash[byte] ?? 0) - 127.5) / 127.5) * weight;
  }
}
