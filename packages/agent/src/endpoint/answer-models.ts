import type { ServerResponse } from 'node:http';
import { AgentModels } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { readMeshJson } from '../mesh/read-answer.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { sendJson } from './send-refusal.ts';

export async function agentModels(mesh: MeshClient, signal: AbortSignal): Promise<AgentModels['models']> {
  const answer = await mesh.call({ method: 'GET', path: '/mesh/models', signal });
  return AgentModels.parse(await readMeshJson(answer)).models;
}

/** The models of the agent's own chain, in one shape that OpenAI's and Anthropic's clients both read. */
export async function answerModels(
  mesh: MeshClient,
  path: string,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const data = (await agentModels(mesh, signal)).map(({ model, contextTokens, maxOutputTokens }) => ({
    id: model,
    object: 'model',
    type: 'model',
    created: 0,
    created_at: '1970-01-01T00:00:00Z',
    owned_by: model.slice(0, model.indexOf('/')),
    display_name: model,
    max_input_tokens: contextTokens,
    max_tokens: maxOutputTokens,
  }));
  const id = path.slice('/v1/models/'.length);
  if (id === '') {
    const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
    return sendJson(response, 200, { object: 'list', data, has_more: false, ...ends });
  }
  const found = data.find((model) => [model.id, encodeURIComponent(model.id)].includes(id));
  if (found) return sendJson(response, 200, found);
  throw new OpenLegionError({
    code: 'not_found',
    rule: 'endpoint.models',
    message: 'This is not one of the agent’s models.',
    remedy: 'GET /v1/models lists them.',
  });
}
