import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { EngineClient } from '../engine/engine-client.ts';
import { EngineError } from '../engine/engine-error.ts';
import { buildFailure } from './build-failure.ts';
import { bundleAgent } from './bundle-agent.ts';
import { importDebianBase } from './debian-base.ts';
import { findModule } from './find-module.ts';
import { findNodeBinary, type NodeBinary } from './find-node-binary.ts';
import {
  agentDockerfile,
  EXCLUDED_PATHS,
  PACKAGES,
  PREPARE_SCRIPT,
  REGISTRY_BASE,
  registryDockerfile,
  runtimeDockerfile,
} from './image-recipe.ts';
import { type ImageVariant, imageNames, PLAIN_IMAGE } from './image-variant.ts';
import { createTarArchive, type TarEntry } from './tar-archive.ts';

const IMAGE_LABEL = 'openlegion.image';
/** How long a registry may take until its first word. */
const REGISTRY_ANSWER_MS = 10_000;
/** Younger images stay: another installation may be between building its image and starting from it. */
const OLD_IMAGE_MS = 24 * 60 * 60_000;

export interface EnsureImageOptions {
  engine: EngineClient;
  signal: AbortSignal;
  /** What is done now, for people: `step` is stable, `text` one line. */
  onProgress: (progress: { step: ImageStep; text: string }) => void;
  /** Name of a file in the image and its source. Default: the agent and its probe. */
  entries?: Record<string, string>;
  /** Default: the plain one. */
  variant?: ImageVariant;
  now?: () => number;
}

export type ImageStep = 'bundle' | 'base' | 'node' | 'agent';

function defaultEntries(): Record<string, string> {
  const agent = (path: string) => fileURLToPath(new URL(`../../../agent/${path}`, import.meta.url));
  return {
    agent: agent('src/main.ts'),
    'page-text': agent('src/tools/page-text-main.ts'),
    probe: agent('probe/main.ts'),
    'skill-api': agent('src/skills/runner/skill.ts'),
    'skill-runner': agent('src/skills/runner/main.ts'),
  };
}

/**
 * The image that agents run in, named by a hash of all that goes into it: an unchanged one is never built again, a
 * changed agent always. Debian and Node are layers of their own, so that a changed agent builds in a second.
 * Throws `upstream_failed` or `disk_full` (`image.build`) with the last lines of a failed build.
 */
export async function ensureImage(options: EnsureImageOptions): Promise<{ image: string; built: boolean }> {
  const { engine, signal, onProgress } = options;
  const report = (step: ImageStep) => (text: string) => onProgress({ step, text });
  const { Architecture: architecture } = await engine.info();
  report('bundle')('Bundling the agent');
  const [node, files] = await Promise.all([
    findNodeBinary(architecture),
    bundleAgent(options.entries ?? defaultEntries()),
  ]);

  const variant = options.variant ?? PLAIN_IMAGE;
  const names = imageNames(variant);
  const packages = [...PACKAGES, ...variant.packages];
  const recipe = [registryDockerfile(packages), PREPARE_SCRIPT, ...packages, ...EXCLUDED_PATHS, architecture];
  const base = `${names.base}:${shortHash(recipe)}`;
  const [npm, ...modules] = await Promise.all([
    findModule('npm'),
    ...variant.modules.map((name) => findModule(name)),
  ]);
  const runtimeText = runtimeDockerfile(base, variant.modules);
  const runtimeHash = shortHash([
    base,
    runtimeText,
    node.version,
    String(node.bytes),
    npm.version,
    ...modules.map(({ version }) => version),
  ]);
  const runtime = `${names.runtime}:${runtimeHash}`;
  const dockerfile = agentDockerfile(runtime, variant.modules);
  const contents = files.flatMap((file) => [file.path, file.content]);
  const image = `${names.agent}:${shortHash([dockerfile, ...contents])}`;
  if (await engine.inspectImage(image)) return { image, built: false };

  const build = async (step: ImageStep, tag: string, text: string, entries: TarEntry[]) => {
    const result = await engine.buildImage({
      tag,
      tar: createTarArchive([inMemory('Dockerfile', text), ...entries]),
      labels: { openlegion: '1', [IMAGE_LABEL]: step },
      network: step === 'base' ? 'default' : 'none',
      signal,
      onLine: (line) => {
        if (!/^(?:---> |Removing intermediate)/.test(line)) report(step)(line);
      },
    });
    if (result.error !== null) throw buildFailure(result.error, result.lastLines);
  };
  if (!(await engine.inspectImage(runtime))) {
    if (!(await engine.inspectImage(base))) {
      if (await pullBase(engine, signal, report('base')))
        await build('base', base, registryDockerfile(packages), []);
      else {
        report('base')('No image registry answers: making the base from Debian’s packages');
        const onLine = report('base');
        await importDebianBase({ engine, image: base, architecture, packages, signal, onLine });
      }
    }
    const added = [npm, ...modules].map(({ name, version }) => `, ${name} ${version}`);
    report('node')(`Adding Node ${node.version}${added.join('')}`);
    const entries = await Promise.all([npm, ...modules].map((module) => module.entries()));
    await build('node', runtime, runtimeText, [nodeEntry(node), ...entries.flat()]);
  }
  report('agent')('Adding the agent');
  const agentFiles = files.map((file) => inMemory(`openlegion/${file.path}`, file.content));
  await build('agent', image, dockerfile, [
    ...agentFiles,
    inMemory('openlegion/package.json', '{"type":"module"}\n'),
  ]);
  if (!(await engine.inspectImage(image))) throw buildFailure('the engine built no image', []);
  const repositories = Object.values(names);
  await removeOldImages(engine, repositories, [image, runtime, base], options.now?.() ?? Date.now());
  return { image, built: true };
}

/** Whether the registry's base is there or could be had. A registry that says nothing in time counts as none. */
async function pullBase(engine: EngineClient, signal: AbortSignal, onLine: (line: string) => void) {
  if (await engine.inspectImage(REGISTRY_BASE)) return true;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), REGISTRY_ANSWER_MS);
  try {
    const both = AbortSignal.any([signal, silence.signal]);
    const result = await engine.pullImage(REGISTRY_BASE, both, (line) => {
      clearTimeout(timer);
      onLine(line);
    });
    return result.error === null;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EngineError || silence.signal.aborted) return false;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Removes what an earlier version left of a variant. Images that a container uses, or that are young, stay. */
async function removeOldImages(
  engine: EngineClient,
  repositories: string[],
  current: string[],
  now: number,
): Promise<void> {
  for (const image of await engine.listImages('openlegion=1')) {
    if (now - image.Created * 1000 < OLD_IMAGE_MS) continue;
    for (const tag of image.RepoTags.filter(
      (tag) => repositories.includes(tag.replace(/:[^:]*$/, '')) && !current.includes(tag),
    )) {
      try {
        await engine.removeImage(tag);
      } catch (error) {
        // In use, or other images are made from it: the next build tries again.
        if (!(error instanceof OpenLegionError && error.code === 'conflict')) throw error;
      }
    }
  }
}

function inMemory(path: string, content: string | Buffer): TarEntry {
  const bytes = Buffer.from(content);
  return { path, mode: 0o644, bytes: bytes.length, content: bytes };
}

function nodeEntry(node: NodeBinary): TarEntry {
  return {
    path: 'node',
    mode: 0o755,
    bytes: node.bytes,
    content: () => createReadStream(node.path, { highWaterMark: 1024 * 1024 }),
  };
}

/** Each part is hashed with its length, so that no two lists of parts look alike. */
function shortHash(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}
