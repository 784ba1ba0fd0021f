/**
 * Removes the volumes, and containers that were left, of the installation whose home is the one argument: for one that
 * was made to be taken away again. Run by the command line, after it was stopped.
 */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { configPaths, dataPaths } from '@openlegion/contract/installation';
import { loadConfig } from '../config/load-config.ts';
import { prepareSandboxes } from '../fleet/prepare-sandboxes.ts';

async function main(home: string): Promise<void> {
  const loaded = loadConfig(home);
  if (!loaded.ok) throw new Error(`${configPaths(home).directory} cannot be read`);
  const installation = createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 12);
  const { backend } = await prepareSandboxes({
    environment: process.env,
    installation,
    volumesDirectory: `${dataPaths(home).directory}/volumes`,
    sandbox: false,
    log: () => {},
    signal: AbortSignal.timeout(60_000),
  });
  for (const agent of loaded.config.agents.keys()) await backend.removeVolume(installation, agent);
}

main(process.argv[2] ?? '').then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
