import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Refusal } from '@openlegion/contract/refusal';
import { z } from 'zod';
import { type EngineAddress, type EngineTls, parseEngineHost } from './engine-address.ts';
import { errorCode } from './engine-error.ts';

const ClientConfig = z.object({ currentContext: z.string().max(300).optional() });
const ContextMeta = z.object({
  Endpoints: z.object({ docker: z.object({ Host: z.string().max(2000).default('') }) }),
});

/**
 * The engine that `docker` itself would use: the current context of `DOCKER_CONTEXT` or `~/.docker/config.json`.
 * Null where it is the default one or nothing is configured. A context that is named but cannot be read is refused:
 * going on to another engine would start agents on a machine that the person did not mean.
 */
export async function readDockerContext(
  env: NodeJS.ProcessEnv,
  homeDirectory: string,
): Promise<EngineAddress | Refusal | null> {
  const directory = env.DOCKER_CONFIG || join(homeDirectory, '.docker');
  const config = await readJson(join(directory, 'config.json'), ClientConfig);
  const name =
    env.DOCKER_CONTEXT || (config && 'currentContext' in config ? config.currentContext : undefined);
  if (!name || name === 'default') return null;
  // The docker client names a context's folders by the SHA-256 of its name.
  const folder = createHash('sha256').update(name).digest('hex');
  const meta = await readJson(join(directory, 'contexts', 'meta', folder, 'meta.json'), ContextMeta);
  if (!meta || !('Endpoints' in meta)) {
    return {
      code: 'not_found',
      rule: 'engine.context',
      message: `The current docker context is ${JSON.stringify(name.slice(0, 100))}, but it cannot be read.`,
      remedy:
        'Choose one that exists (docker context ls; docker context use default), or set DOCKER_HOST to the engine.',
    };
  }
  const address = parseEngineHost(meta.Endpoints.docker.Host, `the docker context ${JSON.stringify(name)}`);
  if ('code' in address || address.kind === 'unix') return address;
  return { ...address, tls: await readTls(join(directory, 'contexts', 'tls', folder, 'docker')) };
}

/** The client certificate for `DOCKER_HOST=tcp://…` with `DOCKER_TLS_VERIFY`; null without. */
export async function readEnvironmentTls(
  env: NodeJS.ProcessEnv,
  homeDirectory: string,
): Promise<EngineTls | null> {
  if (!env.DOCKER_TLS_VERIFY) return null;
  return await readTls(env.DOCKER_CERT_PATH || join(homeDirectory, '.docker'));
}

async function readTls(directory: string): Promise<EngineTls | null> {
  try {
    const [ca, cert, key] = await Promise.all(
      ['ca.pem', 'cert.pem', 'key.pem'].map((file) => readFile(join(directory, file), 'utf8')),
    );
    return ca !== undefined && cert !== undefined && key !== undefined ? { ca, cert, key } : null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Null where the file is missing, unreadable or of another form: it belongs to another program. */
async function readJson<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S> | null> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
