import { join } from 'node:path';
import { socketPaths } from '../../process/socket-paths.ts';
import { type StartedPart, startPart } from '../../process/test/start-part.ts';

export interface GatewayProcess extends StartedPart, AsyncDisposable {
  socketPath: string;
}

/** The gateway's own program, started as the supervisor does it. */
export async function startGatewayProcess(
  run: string,
  settings: { uid?: number | null } = {},
): Promise<GatewayProcess> {
  const part = await startPart(join(import.meta.dirname, '../main.ts'), { run, uid: null, ...settings });
  return {
    ...part,
    socketPath: socketPaths(run).gateway,
    async [Symbol.asyncDispose]() {
      await part.stop();
    },
  };
}
