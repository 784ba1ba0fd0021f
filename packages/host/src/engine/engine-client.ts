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
  tagImage(image: string, repository: string, tag: string): Promise<void>;
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

  const ask = async <S extends z.ZodType>(schema: S, call: EngineCall) =>
    parseAnswer(schema, call.operation, await transport.json(call));
  const tell = async (call: EngineCall, fine: readonly number[] = []): Promise<void> => {
    try {
      await transport.json(call);
    } catch (error) {
      if (!(error instanceof EngineError && fine.includes(error.status))) throw error;
    }
  };
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
  const labelFilter = (labels: readonly string[]) => JSON.stringify({ label: labels });

  return {
    address,
    apiVersion,
    flavour,
    version: () => ask(answers.EngineVersion, { method: 'GET', path: '/version', operation: 'version' }),
    info: () => ask(answers.EngineInfo, { method: 'GET', path: '/info', operation: 'info' }),

    inspectImage: (name) =>
      orNull(
        ask(answers.ImageInspection, {
          method: 'GET',
          path: `${image(name)}/json`,
          operation: 'inspect image',
        }),
      ),
    listImages: (label) =>
      ask(answers.ImageList, {
        method: 'GET',
        path: '/images/json',
        query: { filters: labelFilter([label]) },
        operation: 'list images',
      }),
    async pullImage(name, signal, onLine) {
      const [fromImage, tag] = splitTag(name);
      const query = { fromImage, tag };
      const call = { path: '/images/create', query, signal, idleTimeoutMs: 120_000 };
      return await readProgress(
        await transport.open({ method: 'POST', operation: 'pull image', ...call }),
        onLine,
      );
    },
    async importImage(name, tar, changes, signal) {
      const [repo, tag] = splitTag(name);
      const query = new URLSearchParams({ fromSrc: '-', repo, tag });
      for (const change of changes) query.append('changes', change);
      const call = { path: `/images/create?${query}`, tar, signal, idleTimeoutMs: 0 };
      return await readProgress(await transport.open({ method: 'POST', operation: 'import image', ...call }));
    },
    async buildImage({ tag, tar, labels, network, signal, onLine }) {
      const query = {
        t: tag,
        labels: JSON.stringify(labels),
        networkmode: network === 'none' ? 'none' : undefined,
        rm: '1',
        forcerm: '1',
      };
      const call = { path: '/build', query, tar, signal, idleTimeoutMs: 0 };
      return await readProgress(
        await transport.open({ method: 'POST', operation: 'build image', ...call }),
        onLine,
      );
    },
    tagImage: (name, repo, tag) =>
      tell({ method: 'POST', path: `${image(name)}/tag`, query: { repo, tag }, operation: 'tag image' }),
    removeImage: (name) => tell({ method: 'DELETE', path: image(name), operation: 'remove image' }, [404]),

    async createContainer(name, body) {
      const call = { path: '/containers/create', query: { name }, json: body };
      return (await ask(answers.CreatedContainer, { method: 'POST', operation: 'create container', ...call }))
        .Id;
    },
    async attachContainer(id, observer, signal) {
      const { socket, head } = await transport.hijack({
        method: 'POST',
        path: `${container(id)}/attach`,
        query: { stream: '1', stdin: '1', stdout: '1', stderr: '1' },
        signal,
        operation: 'attach to container',
      });
      return demultiplex(socket, head, observer);
    },
    startContainer: (id) =>
      tell({ method: 'POST', path: `${container(id)}/start`, operation: 'start container' }, [304]),
    async waitContainer(id, signal) {
      const call = { path: `${container(id)}/wait`, query: { condition: 'next-exit' } };
      const answer = { method: 'POST', signal, idleTimeoutMs: 0, operation: 'wait for container' } as const;
      return (await ask(answers.WaitAnswer, { ...answer, ...call })).StatusCode;
    },
    killContainer: (id) =>
      tell({ method: 'POST', path: `${container(id)}/kill`, operation: 'kill container' }, [404, 409]),
    removeContainer: (id) =>
      removeUntilGone(() =>
        tell({
          method: 'DELETE',
          path: container(id),
          query: { force: '1', v: '1' },
          operation: 'remove container',
        }),
      ),
    updateContainer: (id, body) =>
      tell({ method: 'POST', path: `${container(id)}/update`, json: body, operation: 'update container' }),
    inspectContainer: (id) =>
      transport.json({ method: 'GET', path: `${container(id)}/json`, operation: 'inspect container' }),
    containerState: async (id) =>
      (
        await ask(answers.ContainerState, {
          method: 'GET',
          path: `${container(id)}/json`,
          operation: 'inspect container',
        })
      ).State,
    containerStats: (id) =>
      ask(answers.ContainerStats, {
        method: 'GET',
        path: `${container(id)}/stats`,
        query: { stream: '0', 'one-shot': '1' },
        operation: 'read statistics',
      }),
    listContainers: (labels) =>
      ask(answers.ContainerList, {
        method: 'GET',
        path: '/containers/json',
        query: { all: '1', filters: labelFilter(labels) },
        operation: 'list containers',
      }),

    createVolume: (body) =>
      ask(answers.Volume, {
        method: 'POST',
        path: '/volumes/create',
        json: { Driver: 'local', ...body },
        operation: 'create volume',
      }),
    inspectVolume: (name) =>
      orNull(
        ask(answers.Volume, {
          method: 'GET',
          path: `/volumes/${encodeURIComponent(name)}`,
          operation: 'inspect volume',
        }),
      ),
    removeVolume: (name) =>
      tell(
        { method: 'DELETE', path: `/volumes/${encodeURIComponent(name)}`, operation: 'remove volume' },
        [404],
      ),
    listVolumes: async (labels) =>
      (
        await ask(answers.VolumeList, {
          method: 'GET',
          path: '/volumes',
          query: { filters: labelFilter(labels) },
          operation: 'list volumes',
        })
      ).Volumes,
    async volumeSizes() {
      const call = { path: '/system/df', query: { type: 'volume' } };
      const use = await ask(answers.DiskUse, { method: 'GET', operation: 'read disk use', ...call });
      return new Map(
        use.Volumes.filter(({ UsageData }) => UsageData.Size >= 0).map(({ Name, UsageData }) => [
          Name,
          UsageData.Size,
        ]),
      );
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
