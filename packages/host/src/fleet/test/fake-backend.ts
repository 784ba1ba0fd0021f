import type { ClientHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { AgentStart } from '@openlegion/contract/agent-api';
import { plainAgent } from '../../pipe/test/plain-agent.ts';
import { socketPair } from '../../pipe/test/socket-pair.ts';
import type { Sandbox, SandboxBackend, SandboxExit, SandboxSpec } from '../../sandbox/sandbox-backend.ts';

export interface FakeTurn {
  agent: string;
  messageId: string;
  from: string;
  text: string;
  /** Sends one event of the turn. */
  say(event: object): void;
  /** Sends anything at all. */
  raw(line: string): void;
  /** Ends the turn as our agent does. */
  end(reply: string, more?: object): void;
  /** Ends the program in the middle. */
  crash(): void;
  /** Resolves when the host cancels this turn. */
  cancelled: Promise<void>;
  mesh: ClientHttp2Session;
}

export interface FakeSandbox extends Sandbox {
  spec: SandboxSpec;
  events: string[];
  /** What the agent was told when it started. */
  start: AgentStart | null;
  /** Texts that were steered into the running turn. */
  steers: string[];
  end(cause: SandboxExit['cause'], reason?: string): void;
  /** While set, /status is not answered. */
  deaf: boolean;
  progress: number;
}

/** Agents in this process, each at the other end of a real pipe; what they do with a message is `turn`. */
export interface FakeBackend extends SandboxBackend {
  sandboxes: FakeSandbox[];
  /** Thrown by the next starts, as often as it is in here. */
  startErrors: Error[];
  clampError: Error | null;
  removedLeftovers: string[];
}

export function createFakeBackend(turn: (turn: FakeTurn) => void | Promise<void>): FakeBackend {
  const backend: FakeBackend = {
    sandboxes: [],
    startErrors: [],
    clampError: null,
    removedLeftovers: [],
    capabilities: async () => ({ engine: 'fake', engineVersion: '1', runtime: 'none', cannotEnforce: [] }),
    async start(spec) {
      const error = backend.startErrors.shift();
      if (error) throw error;
      const sandbox = await startFake(spec, turn, () => backend.clampError);
      backend.sandboxes.push(sandbox);
      return sandbox;
    },
    async removeLeftovers(installation) {
      backend.removedLeftovers.push(installation);
      return 0;
    },
    removeVolume: async () => {},
  };
  return backend;
}

async function startFake(
  spec: SandboxSpec,
  onTurn: (turn: FakeTurn) => void | Promise<void>,
  clampError: () => Error | null,
): Promise<FakeSandbox> {
  const [hostSide, agentSide] = await socketPair();
  const exited = Promise.withResolvers<SandboxExit>();
  let cancelTurn: (() => void) | undefined;
  let messageId: string | undefined;
  const sandbox: FakeSandbox = {
    spec,
    events: [],
    steers: [],
    start: null,
    deaf: false,
    progress: 1,
    containerId: `fake-${spec.agent}-${Math.random().toString(16).slice(2, 10)}`,
    pipe: hostSide,
    exited: exited.promise,
    async clamp() {
      sandbox.events.push('clamp');
      const error = clampError();
      if (error) throw error;
    },
    stats: async () => ({ memoryBytes: 1000, cpuNanoseconds: 1, pids: 1 }),
    inspect: async () => ({}),
    async stop() {
      sandbox.end('stopped');
    },
    end(cause, reason = '') {
      agentSide.destroy();
      exited.resolve({ cause, exitCode: cause === 'stopped' ? 0 : 137, reason, stderr: '' });
    },
  };
  agentSide.on('close', () => exited.resolve({ cause: 'exited', exitCode: 1, reason: '', stderr: '' }));
  const agent = plainAgent(agentSide, (stream, path) => {
    sandbox.events.push(path);
    void text(stream)
      .then((body) => answer(stream, path, body))
      .catch(() => {});
  });

  async function answer(stream: ServerHttp2Stream, path: string, body: string): Promise<void> {
    const reply = (status: number, json?: object) => {
      stream.respond({ ':status': status });
      stream.end(json ? JSON.stringify(json) : undefined);
    };
    if (path === '/status') {
      if (sandbox.deaf) return;
      return reply(200, { state: messageId ? 'busy' : 'idle', version: '1', progress: sandbox.progress });
    }
    if (path === '/start') sandbox.start = AgentStart.parse(JSON.parse(body));
    if (path === '/start' || path === '/chat/reset') return reply(204);
    if (path === '/workspace') return reply(200, { files: [] });
    if (path.startsWith('/history')) return reply(200, { entries: [] });
    if (path.startsWith('/workspace/')) return body === '' ? reply(200, { path }) : reply(204);
    if (path === '/cancel') {
      cancelTurn?.();
      return reply(cancelTurn ? 202 : 404);
    }
    if (path === '/chat/steer') {
      if (!messageId) return reply(409);
      sandbox.steers.push(JSON.parse(body).text);
      return reply(202);
    }
    await chat(stream, JSON.parse(body), agentSide, await agent.inner);
  }

  async function chat(
    stream: ServerHttp2Stream,
    request: { messageId: string; from: string; text: string },
    socket: Socket,
    mesh: ClientHttp2Session,
  ): Promise<void> {
    messageId = request.messageId;
    const cancelled = Promise.withResolvers<void>();
    cancelTurn = cancelled.resolve;
    stream.respond({ ':status': 200, 'content-type': 'application/x-ndjson' });
    const raw = (line: string) => void stream.write(`${line}\n`);
    const say = (event: object) => raw(JSON.stringify(event));
    const done = () => {
      messageId = undefined;
      cancelTurn = undefined;
      stream.end();
    };
    await onTurn({
      agent: spec.agent,
      messageId: request.messageId,
      from: request.from,
      text: request.text,
      raw,
      say,
      mesh,
      cancelled: cancelled.promise,
      crash: () => socket.destroy(),
      end(reply, more = {}) {
        say({ type: 'turn_ended', status: 'complete', text: reply, ...more });
        done();
      },
    });
  }
  return sandbox;
}
