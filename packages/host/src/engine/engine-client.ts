import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { type AttachObserver, type AttachStream, demultiplex } from './attach-stream.ts';
import type { EngineAddress } from './engine-address.ts';
import * as answers from './engine-answers.ts';
import { EngineError } from './engine-error.ts';
import { createEngineTransport, type EngineCall } from './engine-transport.ts';
import { parseAnswer } from './parse-answer.ts';
import { type ProgressResult, readProgress } from './read-progress.ts';
import { removeUntilGone } from './remove-container.ts';

/** The newest version of the API that is known here; an older engine is spoken to in its own. */
const NEWEST_API = '1.47';
/** Docker 19.03. Below it `Mounts` and `Init` mean something else. */
const OLDEST_API = '1.40';

/**
 * One container engine. Every call rejects with EngineError when the engine refuses, with OpenLegionError
 * `unavailable` when it cannot be reached, with `upstream_failed` when it answers in an unknown form.
 */
export interface EngineClient {
  readonly address: EngineAddress;
  /** The negotiated version, `1.41`. */
  readonly apiVersion: string;
  readonly flavour: 'docker' | 'podman';
  version(): Promise<answers.EngineVersion>;
  info(): Promise<answers.EngineInfo>;

  /** Null where there is none. */
  inspectImage(image: string): Promise<answers.ImageInspection | null>;
  listImages(label: string): Promise<answers.ImageList>;
  pullImage(image: string, signal: AbortSignal, onLine?: (line: string) => void): Promise<ProgressResult>;
  /** Makes an image of one layer from a tar of a root file system. */
  importImage(image: string, tar: Readable, changes: string[], signal: AbortSignal): Promise<ProgressResult>;
  buildImage(options: BuildOptions): Promise<ProgressResult>;
  /** Without force: an image that a container uses stays, and EngineError 409 is thrown. */
  removeImage(image: string): Promise<void>;

  createContainer(name: string, body: object): Promise<string>;
  attachContainer(id: string, observer: AttachObserver, signal: AbortSignal): Promise<AttachStream>;
  startContainer(id: string): Promise<void>;
  /** Resolves with the exit code. Must be called before the start to miss nothing. */
  waitContainer(id: string, signal: AbortSignal): Promise<number>;
  killContainer(id: string): Promise<void>;
  /** Ends and removes it, with its anonymous volumes. One that is gone already is no error. */
  removeContainer(id: string): Promise<void>;
  updateContainer(id: string, body: object): Promise<void>;
  /** Everything the engine says of it, for evidence. */
  inspectContainer(id: string): Promise<unknown>;
  containerState(id: string): Promise<answers.ContainerState>;
  containerStats(id: string): Promise<answers.ContainerStats>;
  listContainers(labels: readonly string[]): Promise<answers.ContainerList>;

  createVolume(body: VolumeBody): Promise<answers.Volume>;
  inspectVolume(name: string): Promise<answers.Volume | null>;
  /** One that is gone already is no error; one in use is EngineError 409. */
  removeVolume(name: string): Promise<void>;
  listVolumes(labels: readonly string[]): Promise<answers.Volume[]>;
  /** Bytes in each volume, by the engine's own count, which walks them all: not to be asked often. */
  volumeSizes(): Promise<Map<string, number>>;
  close(): void;
}

export interface VolumeBody {
  Name: string;
  Labels: Record<string, string>;
  DriverOpts?: Record<string, string>;
}

export interface BuildOptions {
  tag: string;
  tar: Readable;
  labels: Record<string, string>;
  /** `none` where no step needs the network. */
  network: 'none' | 'default';
  signal: AbortSignal;
  onLine: (line: string) => void;
}

/** Asks the engine for its API version and speaks the older of its and ours. */
export async function createEngineClient(address: EngineAddress): Promise<EngineClient> {
  const first = createEngineTransport(address, '');
  const ping = await first.open({ method: 'GET', path: '/_ping', operation: 'ping', idleTimeoutMs: 10_000 });
  ping.resume();
  first.close();
  const offered = String(ping.headers['api-version'] ?? OLDEST_API);
  const apiVersion = decideApiVersion(offered);
  const flavour = ping.headers['libpod-api-version'] === undefined ? 'docker' : 'podman';
  const transport = createEngineTransport(address, `/v${apiVersion}`);

  type More = Omit<EngineCall, 'operation' | 'method' | 'path'>;
  const ask = async <S extends z.ZodType>(
    schema: S,
    operation: string,
    method: EngineCall['method'],
    path: string,
    more: More = {},
  ) => parseAnswer(schema, operation, await transport.json({ operation, method, path, ...more }));
  /** `fine`: statuses of refusals that mean that it is so already. */
  const tell = async (
    operation: string,
    method: EngineCall['method'],
    path: string,
    { fine = [], ...more }: More & { fine?: readonly number[] } = {},
  ): Promise<void> => {
    try {
      await transport.json({ operation, method, path, ...more });
    } catch (error) {
      if (!(error instanceof EngineError && fine.includes(error.status))) throw error;
    }
  };
  const follow = async (operation: string, path: string, more: More, onLine?: (line: string) => void) =>
    readProgress(await transport.open({ operation, method: 'POST', path, ...more }), onLine);
  const orNull = async <T>(answer: Promise<T>): Promise<T | null> => {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return null;
      throw error;
    }
  };
  const container = (id: string) => `/containers/${encodeURIComponent(id)}`;
  const image = (name: string) => `/images/${name.split('/').map(encodeURIComponent).join('/')}`;
  const volume = (name: string) => `/volumes/${encodeURIComponent(name)}`;
  const labelled = (labels: readonly string[]) => ({ filters: JSON.stringify({ label: labels }) });
  const inspect = 'inspect container';

  return {
    address,
    apiVersion,
    flavour,
    version: () => ask(answers.EngineVersion, 'version', 'GET', '/version'),
    info: () => ask(answers.EngineInfo, 'info', 'GET', '/info'),

    inspectImage: (name) =>
      orNull(ask(answers.ImageInspection, 'inspect image', 'GET', `${image(name)}/json`)),
    listImages: (label) =>
      ask(answers.ImageList, 'list images', 'GET', '/images/json', { query: labelled([label]) }),
    pullImage(name, signal, onLine) {
      const [fromImage, tag] = splitTag(name);
      const more = { query: { fromImage, tag }, signal, idleTimeoutMs: 120_000 };
      return follow('pull image', '/images/create', more, onLine);
    },
    importImage(name, tar, changes, signal) {
      const [repo, tag] = splitTag(name);
      const query = new URLSearchParams({ fromSrc: '-', repo, tag });
      for (const change of changes) query.append('changes', change);
      return follow('import image', `/images/create?${query}`, { tar, signal, idleTimeoutMs: 0 });
    },
    buildImage({ tag, tar, labels, network, signal, onLine }) {
      const networkmode = network === 'none' ? 'none' : undefined;
      const query = { t: tag, labels: JSON.stringify(labels), networkmode, rm: '1', forcerm: '1' };
      return follow('build image', '/build', { query, tar, signal, idleTimeoutMs: 0 }, onLine);
    },
    removeImage: (name) => tell('remove image', 'DELETE', image(name), { fine: [404] }),

    async createContainer(name, json) {
      const more = { query: { name }, json };
      return (await ask(answers.CreatedContainer, 'create container', 'POST', '/containers/create', more)).Id;
    },
    async attachContainer(id, observer, signal) {
      const query = { stream: '1', stdin: '1', stdout: '1', stderr: '1' };
      const call = { method: 'POST', path: `${container(id)}/attach`, query, signal } as const;
      const { socket, head } = await transport.hijack({ operation: 'attach to container', ...call });
      return demultiplex(socket, head, observer);
    },
    startContainer: (id) => tell('start container', 'POST', `${container(id)}/start`, { fine: [304] }),
    async waitContainer(id, signal) {
      const more = { query: { condition: 'next-exit' }, signal, idleTimeoutMs: 0 };
      const path = `${container(id)}/wait`;
      return (await ask(answers.WaitAnswer, 'wait for container', 'POST', path, more)).StatusCode;
    },
    killContainer: (id) => tell('kill container', 'POST', `${container(id)}/kill`, { fine: [404, 409] }),
    removeContainer: (id) =>
      removeUntilGone(() =>
        tell('remove container', 'DELETE', container(id), { query: { force: '1', v: '1' } }),
      ),
    updateContainer: (id, json) => tell('update container', 'POST', `${container(id)}/update`, { json }),
    inspectContainer: (id) =>
      transport.json({ operation: inspect, method: 'GET', path: `${container(id)}/json` }),
    containerState: async (id) =>
      (await ask(answers.ContainerState, inspect, 'GET', `${container(id)}/json`)).State,
    containerStats: (id) =>
      ask(answers.ContainerStats, 'read statistics', 'GET', `${container(id)}/stats`, {
        query: { stream: '0', 'one-shot': '1' },
      }),
    listContainers: (labels) =>
      ask(answers.ContainerList, 'list containers', 'GET', '/containers/json', {
        query: { all: '1', ...labelled(labels) },
      }),

    createVolume: (body) =>
      ask(answers.Volume, 'create volume', 'POST', '/volumes/create', { json: { Driver: 'local', ...body } }),
    inspectVolume: (name) => orNull(ask(answers.Volume, 'inspect volume', 'GET', volume(name))),
    removeVolume: (name) => tell('remove volume', 'DELETE', volume(name), { fine: [404] }),
    listVolumes: async (labels) =>
      (await ask(answers.VolumeList, 'list volumes', 'GET', '/volumes', { query: labelled(labels) })).Volumes,
    async volumeSizes() {
      const query = { type: 'volume' };
      const { Volumes } = await ask(answers.DiskUse, 'read disk use', 'GET', '/system/df', { query });
      const known = Volumes.map(({ Name, UsageData }) => [Name, UsageData?.Size ?? -1] as const);
      return new Map(known.filter(([, bytes]) => bytes >= 0));
    },
    close: () => transport.close(),
  };
}

/** The older of the engine's version and ours. Refuses an engine older than 1.40. */
export function decideApiVersion(offered: string): string {
  const number = (version: string) => {
    const match = /^(\d{1,4})\.(\d{1,4})$/.exec(version);
    return match ? Number(match[1]) * 10_000 + Number(match[2]) : 0;
  };
  if (number(offered) < number(OLDEST_API)) {
    throw new EngineError(
      'negotiate version',
      400,
      `it speaks API ${offered}; at least ${OLDEST_API} is needed (Docker 19.03, Podman 4)`,
    );
  }
  return number(offered) < number(NEWEST_API) ? offered : NEWEST_API;
}

function splitTag(image: string): [repository: string, tag: string] {
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest'];
}
