import { randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { EngineInfo } from '../engine/engine-answers.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import { EngineError } from '../engine/engine-error.ts';
import { sameMachine } from '../engine/same-machine.ts';
import { buildContainerBody, LABELS } from './container-spec.ts';
import type { DataVolume, DataVolumes } from './data-volumes.ts';
import { createDockerSandbox, watchOutput } from './docker-sandbox.ts';
import { missingEnforcement } from './missing-enforcement.ts';
import type { Sandbox, SandboxBackend, SandboxCapabilities, SandboxSpec } from './sandbox-backend.ts';
import { createSeccompProfile, type SeccompProfile } from './seccomp-profile.ts';

export interface DockerBackendOptions {
  engine: EngineClient;
  /** As `chooseRuntime` chose it; null for the engine's default. */
  runtime: string | null;
  volumes: DataVolumes;
  /** A directory of the host's own. Podman reads the seccomp profile from a file in it. */
  directory?: string;
  /** Milliseconds, monotonic. */
  nowMs?: () => number;
}

/**
 * Agents as containers of any engine with Docker's API. A container is made from the fixed template of
 * `container-spec.ts`; a start is three calls (create, attach, start), with the wait asked alongside.
 * Throws `unavailable` when the engine's architecture has no seccomp profile.
 */
export async function createDockerBackend(options: DockerBackendOptions): Promise<SandboxBackend> {
  const { engine, volumes } = options;
  const nowMs = options.nowMs ?? (() => performance.now());
  const [info, version] = await Promise.all([engine.info(), engine.version()]);
  const profile = createSeccompProfile(info.Architecture);
  if (!profile) {
    throw new OpenLegionError({
      code: 'unavailable',
      rule: 'sandbox.seccomp',
      message: `There is no seccomp profile for this engine's architecture (${info.Architecture}).`,
      remedy: 'Use an engine on x86_64 or aarch64.',
    });
  }
  const seccomp =
    engine.flavour === 'docker'
      ? profile
      : await writeProfile(profile, sameMachine(engine, info), options.directory);
  const capabilities = describe(options, info, version.Version, seccomp !== null);
  const lacks = new Set(capabilities.cannotEnforce.map((missing) => missing.enforcement));
  const clampable = !lacks.has('cpu_clamp_after_start') && !lacks.has('cpu_limit');
  const held = new Set<string>();
  /** Containers that outlived their end here, by agent: two of one agent would share its volume. */
  const unremoved = new Map<string, string[]>();

  const start = async (spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> => {
    signal.throwIfAborted();
    const name = `openlegion-${spec.agent}-${randomBytes(4).toString('hex')}`;
    const agentKey = `${spec.installation}/${spec.agent}`;
    const removeLater = (container: string): void => {
      unremoved.set(agentKey, [...(unremoved.get(agentKey) ?? []), container]);
    };
    const cleanup = new AbortController();
    let volume: DataVolume | null = null;
    let created = false;
    held.add(name);
    try {
      for (const id of unremoved.get(agentKey) ?? []) await engine.removeContainer(id);
      unremoved.delete(agentKey);
      if (spec.dataBytes !== null) {
        volume = await volumes.prepare(spec.installation, spec.agent, spec.dataBytes);
        signal.throwIfAborted();
      }
      const body = buildContainerBody(spec, {
        runtime: options.runtime,
        seccomp,
        volume,
        cpusFromStart: !clampable,
        podman: engine.flavour === 'podman',
        privateCgroupNamespace:
          capabilities.engine !== 'podman' && supportsCgroupNamespaces(engine.apiVersion),
      });
      // Not given up in the middle: a request that was sent may have made a container.
      created = true;
      const containerId = await engine.createContainer(name, body);
      held.add(containerId);
      signal.throwIfAborted();
      const watch = watchOutput(nowMs);
      const waited = engine.waitContainer(containerId, cleanup.signal);
      // Observed here as well, so that an early failure is not an unhandled one.
      waited.catch(() => {});
      const attached = await engine.attachContainer(containerId, watch, signal);
      try {
        await engine.startContainer(containerId);
        signal.throwIfAborted();
      } catch (error) {
        attached.pipe.destroy();
        throw error;
      }
      const sandbox = createDockerSandbox({
        ...{ engine, containerId, spec, attached, watch, waited, volume, clampable },
        onUnremoved: () => removeLater(containerId),
      });
      void sandbox.exited.finally(() => {
        held.delete(containerId);
        held.delete(name);
      });
      return sandbox;
    } catch (error) {
      if (created) await engine.removeContainer(name).catch(() => removeLater(name));
      cleanup.abort();
      await volume?.release().catch(() => {});
      held.delete(name);
      throw startFailure(error, spec, signal);
    }
  };

  return {
    capabilities: async () => capabilities,
    start,
    async removeLeftovers(installation) {
      const containers = await engine.listContainers([LABELS.ours, LABELS.installation(installation)]);
      const unheld = containers.filter(
        ({ Id, Names }) => !held.has(Id) && !Names.some((name) => held.has(name.replace(/^\//, ''))),
      );
      await Promise.all(unheld.map(({ Id }) => engine.removeContainer(Id)));
      await volumes.removeLeftovers();
      return unheld.length;
    },
    removeVolume: (installation, agent) => volumes.remove(installation, agent),
  };
}

function describe(
  { engine, volumes, ...options }: DockerBackendOptions,
  info: EngineInfo,
  engineVersion: string,
  hasProfile: boolean,
): SandboxCapabilities {
  const runtime = options.runtime ?? info.DefaultRuntime;
  const cannotEnforce = missingEnforcement(engine.flavour, engineVersion, info, runtime);
  if (!hasProfile && !cannotEnforce.some(({ enforcement }) => enforcement === 'seccomp_profile')) {
    const why =
      'Podman reads the profile from its own disk, which is not this machine’s; its default profile applies';
    cannotEnforce.push({ enforcement: 'seccomp_profile', why });
  }
  const why = volumes.cannotEnforce;
  if (why) cannotEnforce.push({ enforcement: 'disk_quota', why });
  return { engine: engine.flavour, engineVersion, runtime, cannotEnforce };
}

/** The file with the profile, for an engine on this machine that takes no profile in the call itself. */
async function writeProfile(
  profile: SeccompProfile,
  here: boolean,
  directory: string | undefined,
): Promise<string | null> {
  if (!here || directory === undefined) return null;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'seccomp.json');
  const unfinished = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(unfinished, JSON.stringify(profile), { mode: 0o600 });
  await rename(unfinished, file);
  return file;
}

function supportsCgroupNamespaces(apiVersion: string): boolean {
  return Number(apiVersion.split('.')[1]) >= 41;
}

function startFailure(error: unknown, spec: SandboxSpec, signal: AbortSignal): unknown {
  if (signal.aborted && !(error instanceof EngineError)) {
    return new OpenLegionError(
      {
        code: 'unavailable',
        rule: 'sandbox.start',
        message: `The start of ${spec.agent} was given up.`,
        remedy: 'Send the message again.',
      },
      { cause: error },
    );
  }
  return error;
}
