import { splitModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { agentModels } from '../endpoint/answer-models.ts';
import { parseRefusal, readText } from '../mesh/read-answer.ts';
import { describeHttpFailure } from '../model/describe-failure.ts';
import type { MeshClient } from '../pipe/pipe.ts';

/** 64 vectors of 4,096 numbers as text. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const Vector = z.array(z.number()).min(8).max(8192);
const OpenAiAnswer = z.object({ data: z.array(z.object({ index: z.int(), embedding: Vector })) });
const GoogleAnswer = z.object({ embeddings: z.array(z.object({ values: Vector })) });

/** Vectors of texts, one each, in order. Rejects with what the mesh or the provider refused. */
export type Embed = (texts: readonly string[], signal: AbortSignal) => Promise<number[][]>;

/** Asks `model` through the pipe, in its provider's dialect. Never another model: vectors of two do not compare. */
export function createEmbed(mesh: MeshClient, model: string): Embed {
  const { provider, model: id } = splitModelName(model);
  return async (texts, signal) => {
    const dialect = (await agentModels(mesh, signal)).find((known) => known.model === model)?.dialect;
    if (dialect === undefined || dialect === 'anthropic')
      throw unusable(model, 'it makes no embeddings here');
    const google = dialect === 'google';
    const answer = await mesh.call({
      method: 'POST',
      path: `/llm/${provider}/${google ? `models/${id}:batchEmbedContents` : 'embeddings'}`,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(
        google
          ? { requests: texts.map((text) => ({ model: `models/${id}`, content: { parts: [{ text }] } })) }
          : { model: id, input: texts, encoding_format: 'float' },
      ),
      signal,
    });
    const body = await readText(answer, MAX_ANSWER_BYTES);
    if (answer.status >= 400) {
      const retryAfter = answer.headers['retry-after'];
      const failure = { status: answer.status, body, retryAfter };
      throw new OpenLegionError(parseRefusal(body) ?? describeHttpFailure(model, failure, Date.now).refusal);
    }
    const vectors = parseVectors(body, google);
    const sizes = new Set(vectors.map((vector) => vector.length));
    if (vectors.length !== texts.length || sizes.size > 1)
      throw unusable(model, 'its answer does not fit the question');
    return vectors;
  };
}

function parseVectors(body: string, google: boolean): number[][] {
  const value: unknown = JSON.parse(body);
  if (google) return GoogleAnswer.parse(value).embeddings.map(({ values }) => values);
  const { data } = OpenAiAnswer.parse(value);
  return data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding);
}

function unusable(model: string, why: string): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'memory.embedding_model',
    message: `${model} gave no vectors: ${why}.`,
    remedy: 'An operator can set llm.embedding_model in config/mesh.yaml to a model for embeddings.',
  });
}
