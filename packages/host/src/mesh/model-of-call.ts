import type { AgentSettings } from '../config/fleet-config.ts';
import type { MeshRequest } from '../pipe/pipe.ts';

const MODEL_FIELD = /"model"\s*:\s*"([^"\\]{1,200})"/;
const LOOKED_AT = 64 * 1024;

/**
 * Which of its models an agent calls, for showing it: to be asked when the call is over. Where it has several at one
 * provider, what the request says of itself decides between them, and where that is none of them it is the provider.
 * What a call costs is known to the gateway alone.
 */
export function modelOfCall({ models }: AgentSettings, { path, stream }: MeshRequest): () => string {
  const provider = path.split('/')[2] ?? '';
  const here = models.filter((model) => model.startsWith(`${provider}/`));
  const [first] = here;
  if (here.length <= 1) return () => first ?? provider;
  let start = '';
  stream.once('data', (chunk: Buffer) => {
    start = chunk.toString('latin1', 0, LOOKED_AT);
  });
  return () => {
    const named = MODEL_FIELD.exec(start)?.[1] ?? /\/models\/([^:?]+):/.exec(path)?.[1];
    return here.find((model) => model === `${provider}/${named}`) ?? provider;
  };
}
