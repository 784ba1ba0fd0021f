import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** The container engine behind a socket of the test's own, so that it can go away, come back, and fail a build. */
export interface EngineProxy extends AsyncDisposable {
  /** For DOCKER_HOST. */
  host: string;
  /** Cuts every connection and stops listening; the socket's file stays, as after the death of an engine. */
  goAway(): void;
  comeBack(): void;
  /** From now on the agents' image is missing and every build of it ends with this error; null undoes it. */
  failBuilds(error: string | null): void;
}

/** `path` is where it listens, `mode` who may: 0o600 for its owner alone. */
export async function startEngineProxy(options: {
  engineSocket: string;
  path: string;
  mode: number;
}): Promise<EngineProxy> {
  const { engineSocket, path, mode } = options;
  const connections = new Set<Socket>();
  let away = false;
  let buildError: string | null = null;

  const server: Server = createServer((client) => {
    if (away) {
      client.destroy();
      return;
    }
    const engine = createConnection(engineSocket);
    for (const [socket, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      connections.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        connections.delete(socket);
        other.destroy();
      });
    }
    engine.pipe(client);
    let answered = false;
    client.on('data', (chunk: Buffer) => {
      if (answered) return;
      const instead = buildError === null ? null : answerInstead(chunk.toString('latin1'), buildError);
      if (instead !== null) {
        answered = true;
        client.end(instead);
      } else if (!engine.destroyed) engine.write(chunk);
    });
  });
  const listen = (): Promise<void> =>
    new Promise((done, reject) => {
      rmSync(path, { force: true });
      server.once('error', reject);
      server.listen(path, () => {
        chmodSync(path, mode);
        done();
      });
    });
  await listen();
  return {
    host: `unix://${path}`,
    goAway() {
      away = true;
      for (const socket of connections) socket.destroy();
    },
    comeBack() {
      away = false;
    },
    failBuilds(error) {
      buildError = error;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.destroy();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

/** What the engine would answer, were the image not there and its build to fail; null for every other request. */
function answerInstead(request: string, error: string): string | null {
  if (/^GET \S*\/images\/openlegion-agent(?::|%3A)\S*\/json /.test(request))
    return answer(404, JSON.stringify({ message: 'No such image' }));
  if (!/^POST \S*\/build\?/.test(request)) return null;
  const lines = [
    { stream: 'Step 1/4 : FROM openlegion-runtime\n' },
    { errorDetail: { message: error }, error },
  ];
  return answer(200, lines.map((line) => `${JSON.stringify(line)}\r\n`).join(''));
}

function answer(status: number, body: string): string {
  return `HTTP/1.1 ${status} Told\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}
