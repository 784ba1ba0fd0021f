/**
 * The child that holds the environment's keys while an installation starts: waits until its keeper and gateway
 * answer, then becomes the vault's administration program, which moves them. Ends with the command that started it.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { socketPaths } from '@openlegion/contract/installation';
import { resolveHome, takeHomeOption } from '../configuration/resolve-home.ts';
import { DEMO_HOME, PROGRAMS, ROOT } from '../programs.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { configuredBaseUrls, credentialBindings } from '../vault-admin/credential-bindings.ts';
import { fetchProviders } from '../vault-admin/provider-list.ts';

const PATIENCE_MS = 10 * 60_000;
const parent = process.ppid;
const { home: named, rest } = takeHomeOption(process.argv.slice(2));
const configAt = rest.indexOf('--config');
const home = resolveHome({
  home: named,
  config: configAt === -1 ? undefined : rest[configAt + 1],
  environment: rest.includes('demo') ? {} : process.env,
  root: rest.includes('demo') ? DEMO_HOME : ROOT,
  cwd: process.cwd(),
});

const deadline = Date.now() + PATIENCE_MS;
while (Date.now() < deadline && process.ppid === parent) {
  const running = runningSupervisor(home);
  if (running && (await accepts(socketPaths(running.run).keeperAdmin))) {
    const providers = await fetchProviders(running.run).catch(() => null);
    if (providers) {
      const bindings = credentialBindings(providers, configuredBaseUrls(home));
      becomeAdmin(running.run, JSON.stringify(Object.fromEntries(bindings)));
    }
  }
  await delay(100);
}
process.exit(1);

function becomeAdmin(run: string, bindings: string): never {
  const args = ['import-env', '--run', run, '--env-file', join(home, '.env'), '--bindings-json', bindings];
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) environment[name] = value;
  process.execve?.(
    process.execPath,
    [process.execPath, '--disable-sigusr1', '--', PROGRAMS.vaultAdmin, ...args],
    environment,
  );
  process.exit(1);
}

function accepts(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
