import { request } from 'node:http';
import { homedir } from 'node:os';
import type { Refusal } from '@openlegion/contract/refusal';
import { readDockerContext, readEnvironmentTls } from './docker-context.ts';
import { type EngineAddress, engineAddressText, parseEngineHost } from './engine-address.ts';
import { errorCode } from './engine-error.ts';

/**
 * `none`: no engine on this machine. `not_running`: a socket of this machine at which no one answers.
 * `named_not_running`: the same for an engine that the environment or a docker context names; starting the usual one
 * would not help.
 */
type EngineReason = 'none' | 'not_running' | 'named_not_running' | 'no_permission' | 'bad_address';

export type EngineSearch =
  | { found: true; address: EngineAddress; source: string }
  | { found: false; reason: EngineReason; refusal: Refusal };

export interface FindEngineOptions {
  env: NodeJS.ProcessEnv;
  homeDirectory?: string;
  /** The usual sockets; tests give their own. */
  sockets?: readonly string[];
  signal?: AbortSignal;
}

/** Where engines listen when no one said otherwise, in the order they are tried. */
function usualSockets(env: NodeJS.ProcessEnv, homeDirectory: string): string[] {
  const runtime = env.XDG_RUNTIME_DIR;
  return [
    '/var/run/docker.sock',
    `${homeDirectory}/.docker/run/docker.sock`,
    ...(runtime ? [`${runtime}/docker.sock`] : []),
    '/run/podman/podman.sock',
    ...(runtime ? [`${runtime}/podman/podman.sock`] : []),
  ];
}

/**
 * Finds the engine as `docker` would: `DOCKER_HOST`, then the current docker context, then the usual sockets. What
 * is named explicitly is taken or refused; it is never replaced by another engine.
 */
export async function findEngine(options: FindEngineOptions): Promise<EngineSearch> {
  const { env } = options;
  const home = options.homeDirectory ?? env.HOME ?? homedir();
  const named = await namedEngine(env, home);
  if (named) {
    if ('code' in named.address) return notFound('bad_address', named.address);
    const state = await probeEngine(named.address, options.signal);
    if (state === 'answers') return { found: true, address: named.address, source: named.source };
    return refused(state, named.address, named.source);
  }
  let best: { state: 'dead' | 'forbidden'; address: EngineAddress } | null = null;
  for (const path of options.sockets ?? usualSockets(env, home)) {
    const address: EngineAddress = { kind: 'unix', path };
    const state = await probeEngine(address, options.signal);
    if (state === 'answers') return { found: true, address, source: path };
    if (state === 'forbidden' && best?.state !== 'forbidden') best = { state, address };
    if (state === 'dead') best ??= { state, address };
  }
  if (best) return refused(best.state, best.address, null);
  return notFound('none', {
    code: 'unavailable',
    rule: 'engine.none',
    message: 'No container engine was found: agents run in containers and nowhere else.',
    remedy:
      'Install one: on Debian or Ubuntu `sudo apt-get install docker.io`, on others Docker or Podman 4 or later. If one runs elsewhere, set DOCKER_HOST.',
  });
}

async function namedEngine(
  env: NodeJS.ProcessEnv,
  home: string,
): Promise<{ address: EngineAddress | Refusal; source: string } | null> {
  const host = env.DOCKER_HOST;
  if (host) {
    const address = parseEngineHost(host, 'DOCKER_HOST');
    if ('code' in address || address.kind === 'unix') return { address, source: 'DOCKER_HOST' };
    return { address: { ...address, tls: await readEnvironmentTls(env, home) }, source: 'DOCKER_HOST' };
  }
  const context = await readDockerContext(env, home);
  return context && { address: context, source: 'the current docker context' };
}

type ProbeState = 'answers' | 'missing' | 'dead' | 'forbidden';

/** Asks `/_ping`. An address behind TLS is taken as it is: its first call says what is wrong with it. */
async function probeEngine(address: EngineAddress, signal?: AbortSignal): Promise<ProbeState> {
  if (address.kind === 'tcp' && address.tls) return 'answers';
  const { promise, resolve } = Promise.withResolvers<ProbeState>();
  const target =
    address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
  const how = { path: '/_ping', headers: { host: 'engine' }, agent: false, ...(signal && { signal }) };
  const asked = request({ ...target, ...how });
  asked.setTimeout(5000, () => asked.destroy(new Error('no answer in time')));
  asked.on('response', (response) => {
    response.resume();
    resolve(response.statusCode === 200 ? 'answers' : 'dead');
  });
  asked.on('error', (error) => {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') resolve('missing');
    else resolve(code === 'EACCES' || code === 'EPERM' ? 'forbidden' : 'dead');
  });
  asked.end();
  return await promise;
}

/** `source` is null for a usual socket. */
function refused(
  state: Exclude<ProbeState, 'answers'>,
  address: EngineAddress,
  source: string | null,
): EngineSearch {
  const where = engineAddressText(address);
  const podman = where.includes('podman');
  const away = { code: 'unavailable', rule: 'engine.not_running' } as const;
  if (state === 'forbidden') {
    return notFound('no_permission', {
      code: 'denied',
      rule: 'engine.permission',
      message: `There is a container engine at ${where}, but this user may not use it.`,
      remedy: podman
        ? 'Run as the user whose engine it is, or start one of your own: systemctl --user start podman.socket'
        : 'Add this user to the docker group (sudo usermod -aG docker "$USER") and log in again. Members of that group can become root on this machine; a rootless engine (dockerd-rootless-setuptool.sh install) avoids that.',
    });
  }
  if (source !== null && !(address.kind === 'unix' && USUAL_DOCKER.includes(address.path))) {
    const what =
      state === 'missing' ? 'there is no such socket' : 'no one answers there (the engine is not running)';
    return notFound('named_not_running', {
      ...away,
      message: `The container engine at ${where}, named by ${source}, cannot be reached: ${what}.`,
      remedy:
        source === 'DOCKER_HOST'
          ? 'Start that engine or correct DOCKER_HOST. To use the engine of this machine, unset DOCKER_HOST.'
          : 'Start that engine. To use the engine of this machine: docker context use default',
    });
  }
  return notFound('not_running', {
    ...away,
    message: `There is a container engine at ${where}, but it does not answer: it is not running.`,
    remedy: podman
      ? 'Start it: systemctl start podman.socket'
      : 'Start it: sudo systemctl start docker (without systemd: sudo dockerd), or Docker Desktop.',
  });
}

function notFound(reason: EngineReason, refusal: Refusal): EngineSearch {
  return { found: false, reason, refusal };
}

/** Both are one socket on most machines; whoever names it means the engine that would be found anyway. */
const USUAL_DOCKER: readonly string[] = ['/var/run/docker.sock', '/run/docker.sock'];
