import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import { readMeshJson } from '../mesh/read-answer.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import type { ToolResult } from './tool.ts';

/** What the mesh answers at `path`, unparsed: a POST of `body` where there is one, else a GET. Throws its refusal. */
export async function answerOfMesh(
  mesh: MeshClient,
  signal: AbortSignal,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const method = body === undefined ? 'GET' : 'POST';
  return readMeshJson(await mesh.call({ method, path, signal, ...(body === undefined ? {} : json) }));
}

/** The result of `run`, or of the refusal that it throws: with rule and remedy, so that the model can read why. */
export async function orRefused(run: () => Promise<ToolResult>): Promise<ToolResult> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof OpenLegionError) return refused(error.refusal);
    throw error;
  }
}

export function refused({ message, rule, remedy }: Refusal): ToolResult {
  const told = `${message} (${rule}) ${remedy}`;
  return { outcome: 'refused', output: rule.endsWith('.allowed_domains') ? `${told} ${ASK_FOR_HOST}` : told };
}

/** What a model can do itself about a host that it may not reach. */
export const ASK_FOR_HOST = 'Where you have the tool request_host, you can ask a person for it.';
