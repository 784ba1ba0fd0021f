import { once } from 'node:events';
import { chmodSync, chownSync, closeSync, rmSync, writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { socketPaths } from '@openlegion/contract/installation';
import type { PartReport, ScriptedSettings } from '@openlegion/contract/process-protocol';
import { createScriptedServer } from './scripted-server.ts';
import { parseSettings } from './settings.ts';

/* The scripted model as a part of an installation: process-protocol.ts in the contract says how it is run. */

const REPORT_FD = 3;

function report(message: PartReport): void {
  writeSync(REPORT_FD, `${JSON.stringify(message)}\n`);
  closeSync(REPORT_FD);
}

async function listen(settings: ScriptedSettings): Promise<PartReport> {
  const server = createScriptedServer(settings);
  const path = socketPaths(settings.run).scripted;
  if (settings.listen) {
    server.listen(settings.listen.port, '127.0.0.1');
  } else {
    rmSync(path, { force: true }); // Of one that was killed; `run` belongs to this installation alone.
    process.umask(0o177); // The socket is never, not even for a moment, open to others.
    server.listen(path);
  }
  await once(server, 'listening');
  if (settings.listen) {
    const address: AddressInfo | string | null = server.address();
    return { ready: true, detail: { port: typeof address === 'object' && address ? address.port : 0 } };
  }
  chmodSync(path, 0o600);
  if (settings.gatewayUid !== null) chownSync(path, settings.gatewayUid, -1);
  return { ready: true, detail: { socket: path } };
}

// The lifeline: whoever started this part holds its other end.
process.stdin.on('close', () => process.exit(0));
process.stdin.resume();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));

try {
  report(await listen(parseSettings(process.argv)));
} catch (error) {
  report({
    ready: false,
    message: `The scripted model did not start: ${error instanceof Error ? error.message : String(error)}`,
    remedy: 'Check that the run directory exists, belongs to this user and that its path is short',
  });
  process.exit(1);
}
