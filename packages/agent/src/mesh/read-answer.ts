import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type Refusal, RefusalBody } from '@openlegion/contract/refusal';
import type { MeshAnswer } from '../pipe/pipe.ts';

const MAX_BYTES = 1024 * 1024;

/** The whole body as text, at most `maxBytes` of it: what is beyond is not read. */
export async function readText(answer: MeshAnswer, maxBytes: number = MAX_BYTES): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
}

/** The refusal that a body says, or undefined where it is not one of ours. */
export function parseRefusal(body: string): Refusal | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  const parsed = RefusalBody.safeParse(value);
  if (!parsed.success) return undefined;
  const { code, rule, message, remedy } = parsed.data.error;
  return { code, rule, message, remedy };
}

/** The JSON of a successful answer, unparsed. A refusal of the mesh is thrown as itself. */
export async function readMeshJson(answer: MeshAnswer): Promise<unknown> {
  const text = await readText(answer);
  if (answer.status >= 400) throw new OpenLegionError(parseRefusal(text) ?? unreadable(answer.status));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OpenLegionError(unreadable(answer.status), { cause });
  }
}

function unreadable(status: number): Refusal {
  return {
    code: 'unavailable',
    rule: 'mesh.answer',
    message: `The mesh answered ${status} in a form that the agent does not know.`,
    remedy: 'The host and the agent image may be of different versions: restart OpenLegion.',
  };
}
