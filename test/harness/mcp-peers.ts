import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const PINNED = join(import.meta.dirname, '../peers/mcp');
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'openlegion-test');

/** The reference servers, each as one file without dependencies, as an operator would put one into `skills_dir`. */
export async function bundleMcpPeers(names: readonly string[]): Promise<Map<string, string>> {
  const directory = installMcpPeers();
  const bundled = new Map<string, string>();
  for (const name of names) {
    const home = join(directory, 'node_modules/@modelcontextprotocol', `server-${name}`);
    const { bin } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    const bundle = await rolldown({
      input: join(home, String(Object.values(bin)[0])),
      platform: 'node',
      logLevel: 'silent',
    });
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false, minify: true });
    bundled.set(name, output[0].code);
  }
  return bundled;
}

/** Where they are installed. Pinned by the lock, and outside of the repository: they are no part of it. */
export function installMcpPeers(): string {
  const lock = readFileSync(join(PINNED, 'package-lock.json'));
  const directory = join(CACHE, `mcp-${createHash('sha256').update(lock).digest('hex').slice(0, 16)}`);
  if (existsSync(directory)) return directory;
  const next = `${directory}.${process.pid}`;
  mkdirSync(next, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    writeFileSync(join(next, file), readFileSync(join(PINNED, file)));
  const done = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: next,
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (done.status !== 0)
    throw new Error(`npm ci of the reference servers failed: ${done.stderr.slice(-500)}`);
  renameSync(next, directory);
  return directory;
}
