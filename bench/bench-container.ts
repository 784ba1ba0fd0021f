import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { EngineClient } from '../packages/host/src/engine/engine-client.ts';
import { NODE_COMMAND } from '../packages/host/src/image/image-recipe.ts';
import { connectPipe } from '../packages/host/src/pipe/connect-pipe.ts';
import type { MeshHandler, Pipe } from '../packages/host/src/pipe/pipe.ts';
import { buildContainerBody, cpuLimit } from '../packages/host/src/sandbox/container-spec.ts';
import { createSeccompProfile } from '../packages/host/src/sandbox/seccomp-profile.ts';
import { benchAgentCode } from './bench-agent-code.ts';

export interface BenchContainer extends AsyncDisposable {
  containerId: string;
  bytes: Duplex;
  pipe: Pipe;
}

/**
 * `container/bench-agent.ts` in a container of the product's own template. `mount` puts a directory of the host
 * into it, which the product never does: that is where the peer, a Unix socket, lives.
 */
export async function startBenchContainer(options: {
  engine: EngineClient;
  image: string;
  handle: MeshHandler;
  mount?: string;
  cpus?: number;
}): Promise<BenchContainer> {
  const { engine, image, handle, mount, cpus } = options;
  const info = await engine.info();
  const name = `openlegion-bench-${randomBytes(4).toString('hex')}`;
  const socket = mount === undefined ? [] : ['/peer/peer.sock'];
  const body = buildContainerBody(
    {
      installation: 'bench',
      agent: 'bench',
      image,
      command: [...NODE_COMMAND, '--input-type=module', '-e', await benchAgentCode(), '--', ...socket],
      memoryBytes: 384 * 1024 * 1024,
      cpus: cpus ?? 0.15,
      pids: 256,
      dataBytes: null,
    },
    {
      runtime: null,
      seccomp: createSeccompProfile(info.Architecture),
      volume: null,
      cpusFromStart: false,
      privateCgroupNamespace: true,
    },
  );
  // A bench that is killed takes its container with it: that ends with its input, and goes with its end.
  adapt(body, { AutoRemove: true, ...(mount === undefined ? {} : { Binds: [`${mount}:/peer`] }) });
  const containerId = await engine.createContainer(name, body);
  const remove = () => engine.removeContainer(containerId);
  try {
    const observer = { onStdout: () => {}, onStderr: (chunk: Buffer) => void process.stderr.write(chunk) };
    const attached = await engine.attachContainer(containerId, observer, new AbortController().signal);
    await engine.startContainer(containerId);
    const pipe = await connectPipe({ bytes: attached.pipe, handle });
    if (cpus !== undefined) await engine.updateContainer(containerId, cpuLimit(cpus));
    return {
      containerId,
      bytes: attached.pipe,
      pipe,
      async [Symbol.asyncDispose]() {
        pipe.close('measured');
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

function adapt(body: object, over: object): void {
  if ('HostConfig' in body && typeof body.HostConfig === 'object') Object.assign(body.HostConfig ?? {}, over);
}
