import type { ServerResponse } from 'node:http';
import type { AgentModels } from '@openlegion/contract/mesh-api';
import { splitModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { parseRefusal, readText } from '../mesh/read-answer.ts';
import { describeHttpFailure } from '../model/describe-failure.ts';
import type { MeshAnswer, MeshClient } from '../pipe/pipe.ts';
import { openAiError } from './answer-error.ts';
import { agentModels } from './answer-models.ts';
import { badRequest, parseWire } from './bad-request.ts';
import { countTokens } from './count-tokens.ts';
import { sendJson } from './send-refusal.ts';

/** 2,048 vectors of 1,536 numbers. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const EmbeddingsRequest = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1)], {
    error: 'a text or a list of texts: this provider does not take tokens',
  }),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().positive().nullish(),
});
const GoogleAnswer = z.object({ embeddings: z.array(z.object({ values: z.array(z.number()) })) });

/**
 * OpenAI's embeddings, to providers that speak it and to Google. Never another model than the one asked for: vectors
 * of two models do not compare.
 */
export async function answerEmbeddings(
  mesh: MeshClient,
  body: Record<string, unknown>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const chosen = choose(await agentModels(mesh, signal), String(body.model ?? ''));
  const { provider, model } = splitModelName(chosen.model);
  const post = (path: string, sent: object) =>
    mesh.call({
      method: 'POST',
      path: `/llm/${provider}/${path}`,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(sent),
      signal,
    });
  switch (chosen.dialect) {
    case 'anthropic':
      throw badRequest('embeddings', `${provider} makes no embeddings.`, 'Use a model of another provider.');
    case 'google': {
      const asked = parseWire(EmbeddingsRequest, body);
      const texts = typeof asked.input === 'string' ? [asked.input] : asked.input;
      const size = asked.dimensions ? { outputDimensionality: asked.dimensions } : {};
      const answer = await post(`models/${model}:batchEmbedContents`, {
        requests: texts.map((text) => ({
          model: `models/${model}`,
          content: { parts: [{ text }] },
          ...size,
        })),
      });
      if (answer.status >= 400) return fail(answer, chosen.model, response);
      const { embeddings } = GoogleAnswer.parse(JSON.parse(await readText(answer, MAX_ANSWER_BYTES)));
      const tokens = countTokens(texts);
      return sendJson(response, 200, {
        object: 'list',
        data: embeddings.map(({ values }, index) => ({
          object: 'embedding',
          index,
          embedding: asked.encoding_format === 'base64' ? toBase64(values) : values,
        })),
        model: chosen.model,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      });
    }
    default: {
      const answer = await post('embeddings', { ...body, model });
      if (answer.status >= 400) return fail(answer, chosen.model, response);
      return sendJson(response, answer.status, await readText(answer, MAX_ANSWER_BYTES));
    }
  }
}

/** By its whole name, by its name at its provider, or the agent's first model for embeddings. */
function choose(models: AgentModels['models'], asked: string): AgentModels['models'][number] {
  const embedding = models.filter((model) => model.embedding);
  const found =
    models.find(({ model }) => model === asked) ??
    embedding.find(({ model }) => splitModelName(model).model === asked) ??
    (asked.includes('/') ? undefined : embedding[0]);
  if (found) return found;
  throw new OpenLegionError({
    code: 'not_found',
    rule: 'llm.embedding_model',
    message: `${asked.slice(0, 200) || 'No model'} is not an embedding model of this agent.`,
    remedy: 'An operator can set llm.embedding_model in config/mesh.yaml.',
  });
}

async function fail(answer: MeshAnswer, model: string, response: ServerResponse): Promise<void> {
  const text = await readText(answer);
  const retryAfter = answer.headers['retry-after'];
  const after = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  const failure = describeHttpFailure(model, { status: answer.status, body: text, retryAfter }, Date.now);
  const body = parseRefusal(text) ? text : openAiError(answer.status, failure.refusal);
  sendJson(response, answer.status, body, after);
}

/** Little-endian 32-bit floats, as OpenAI's clients ask for and decode. */
function toBase64(values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
