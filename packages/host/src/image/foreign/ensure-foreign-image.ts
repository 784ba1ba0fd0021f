import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { EngineClient } from '../../engine/engine-client.ts';
import { EngineError } from '../../engine/engine-error.ts';
import { buildFailure } from '../build-failure.ts';
import { createTarArchive } from '../tar-archive.ts';
import { foreignDockerfile } from './foreign-dockerfile.ts';
import { foreignRefusal, noSuchImage } from './foreign-refusal.ts';

const FROM_LABEL = 'openlegion.from';
const OLD_IMAGE_MS = 24 * 60 * 60_000;
const PREPARE_FILES = ['foreign-root-main.ts', 'prepare-foreign-root.ts'];

/**
 * The image `from`, pulled where it is missing, with our agent in it; named by a hash of all that goes into it. Throws
 * `runtime.image` where it is not to be had or where our Node cannot run in it, `image.build` for a build that failed
 * for another reason.
 */
export async function ensureForeignImage(options: {
  engine: EngineClient;
  from: string;
  /** The plain image of agents: Node, agent and roots are taken from it. */
  agent: string;
  signal: AbortSignal;
  onProgress: (progress: { step: 'foreign'; text: string }) => void;
  now?: () => number;
}): Promise<{ image: string; built: boolean }> {
  const { engine, from, agent, signal } = options;
  const report = (text: string) => options.onProgress({ step: 'foreign', text });
  const found = (await engine.inspectImage(from)) ?? (await pull(options, report));
  const variables = found.Config?.Env ?? [];
  const dockerfile = foreignDockerfile(found.Id, agent, variables);
  const files = await Promise.all(
    PREPARE_FILES.map(async (name) => entry(`prepare/${name}`, await readFile(source(name)))),
  );
  const context = [
    entry('Dockerfile', dockerfile),
    entry('image-variables.json', JSON.stringify(variables)),
    ...files,
  ];
  const hash = createHash('sha256');
  for (const { path, content } of context) hash.update(`${path}\0${content.length}\0`).update(content);
  const image = `openlegion-foreign-agent:${hash.digest('hex').slice(0, 16)}`;
  if (await engine.inspectImage(image)) return { image, built: false };
  report(`Putting the agent into ${from}`);
  const result = await engine.buildImage({
    tag: image,
    tar: createTarArchive(context),
    labels: { openlegion: '1', 'openlegion.image': 'foreign', [FROM_LABEL]: from },
    network: 'none',
    signal,
    onLine: (line) => {
      if (!/^(?:---> |Removing intermediate)/.test(line)) report(line);
    },
  });
  if (result.error !== null) {
    throw (
      foreignRefusal(from, [...result.lastLines, result.error]) ??
      buildFailure(result.error, result.lastLines)
    );
  }
  if (!(await engine.inspectImage(image))) throw buildFailure('the engine built no image', []);
  await removeOld(engine, from, image, options.now?.() ?? Date.now());
  return { image, built: true };
}

/** What was made of it before. Images that a container uses, or that are young, stay. */
async function removeOld(engine: EngineClient, from: string, current: string, now: number): Promise<void> {
  for (const { Created, RepoTags } of await engine.listImages(`${FROM_LABEL}=${from}`)) {
    if (now - Created * 1000 < OLD_IMAGE_MS) continue;
    for (const tag of RepoTags.filter((tag) => tag !== current)) {
      try {
        await engine.removeImage(tag);
      } catch (error) {
        // In use: the next build tries again.
        if (!(error instanceof EngineError && error.code === 'conflict')) throw error;
      }
    }
  }
}

async function pull(
  { engine, from, signal }: { engine: EngineClient; from: string; signal: AbortSignal },
  report: (text: string) => void,
) {
  report(`Pulling ${from}`);
  let why = '';
  try {
    why = (await engine.pullImage(from, signal, report)).error ?? '';
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof EngineError)) throw error;
    why = error.message;
  }
  const pulled = await engine.inspectImage(from);
  if (!pulled) throw noSuchImage(from, why);
  return pulled;
}

function source(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function entry(path: string, text: string | Buffer) {
  const content = Buffer.from(text);
  return { path, mode: 0o644, bytes: content.length, content };
}
