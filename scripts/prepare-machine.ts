import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runStep } from './run-step.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** What the contract suite runs against beside the engine itself: a program to look for and its Debian package. */
const PEERS = [
  { program: '/usr/bin/runsc', package: 'runsc' },
  { program: '/usr/bin/podman', package: 'podman' },
];

/**
 * Brings the machine to where the container tests can run: an engine, the agents' image, and where this is Debian
 * or Ubuntu and we are root, the other runtimes. A step that fails is shown; the tests that need it then fail by
 * themselves and say what is missing.
 */
export async function prepareMachine(): Promise<void> {
  const missing = PEERS.filter(({ program }) => !existsSync(program)).map((peer) => peer.package);
  if (missing.length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const env = ['DEBIAN_FRONTEND=noninteractive', 'apt-get'];
    await runStep('package lists', '/usr/bin/env', [...env, 'update', '-q']);
    const install = ['install', '-q', '-y', '--no-install-recommends'];
    await runStep(`install ${missing.join(', ')}`, '/usr/bin/env', [...env, ...install, ...missing]);
  }
  const settings = JSON.stringify({ home: null, sandbox: false });
  const setup = resolve(ROOT, 'packages/host/src/setup-main.ts');
  await runStep("container engine and the agents' image", process.execPath, [
    setup,
    '--config-json',
    settings,
  ]);
}
