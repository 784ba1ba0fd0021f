import { Readable } from 'node:stream';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { RefusalBody } from '@openlegion/contract/refusal';
import type { PipeResponse } from '../pipe/pipe.ts';

/**
 * Passes an agent's answer on as JSON, or without a body. What the agent sends is its claim; it is re-serialised,
 * and its headers stay behind. A refusal of the agent's is passed on as one.
 */
export async function relay(answer: PipeResponse, expected: readonly number[]): Promise<Response> {
  if (!expected.includes(answer.status)) throw await refusalOf(answer);
  if (answer.status === 204) {
    answer.body.destroy();
    return new Response(null, { status: 204 });
  }
  return Response.json(await answer.json(), { status: answer.status });
}

/** A file of the agent's: bytes for saving, never for showing in a page of ours. */
export async function relayBytes(answer: PipeResponse): Promise<Response> {
  if (answer.status !== 200) throw await refusalOf(answer);
  return new Response(Readable.toWeb(answer.body), {
    headers: { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment' },
  });
}

async function refusalOf(answer: PipeResponse): Promise<OpenLegionError> {
  const body = RefusalBody.safeParse(await answer.json().catch(() => undefined));
  if (!body.success) {
    return new OpenLegionError({
      code: 'upstream_failed',
      rule: 'control.agent',
      message: `The agent answered with status ${answer.status}.`,
      remedy: 'Look at what runs in the agent.',
    });
  }
  const { code, rule, message, remedy } = body.data.error;
  return new OpenLegionError({ code, rule, message, remedy });
}
