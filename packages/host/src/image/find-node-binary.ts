import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';

export interface NodeBinary {
  path: string;
  version: string;
  bytes: number;
}

const NPM_ARCHITECTURES = new Map([
  ['x86_64', 'x64'],
  ['amd64', 'x64'],
  ['aarch64', 'arm64'],
  ['arm64', 'arm64'],
]);

/**
 * The pinned Node for the engine's architecture, from npm's package of it; where that is not installed, the one that
 * runs this process, if it fits. Throws `not_found` when neither does (a Mac, or an engine of another architecture).
 */
export async function findNodeBinary(architecture: string): Promise<NodeBinary> {
  const npm = NPM_ARCHITECTURES.get(architecture);
  const manifestPath = npm ? resolveManifest(`node-linux-${npm}/package.json`) : null;
  if (manifestPath) {
    const manifest = z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(manifestPath, 'utf8')));
    const path = join(dirname(manifestPath), 'bin', 'node');
    return { path, version: manifest.version, bytes: (await stat(path)).size };
  }
  if (process.platform === 'linux' && process.arch === npm) {
    const { size } = await stat(process.execPath);
    return { path: process.execPath, version: process.versions.node, bytes: size };
  }
  throw new OpenLegionError({
    code: 'not_found',
    rule: 'image.node',
    message: `There is no Node for the container engine's architecture (${architecture}) on this machine.`,
    remedy: `Install it: npm install --no-save --force node-linux-${npm ?? 'ARCH'}@24`,
  });
}

function resolveManifest(specifier: string): string | null {
  try {
    return createRequire(import.meta.url).resolve(specifier);
  } catch {
    return null;
  }
}
