import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Source } from './sources.ts';

/**
 * Fetches one package as an archive, without installing it and so without running anything of it, and unpacks it
 * beneath `directory`. Returns the package's directory. Throws when what came is not what was pinned.
 */
export function fetchSource(source: Source, directory: string): string {
  const target = mkdtempSync(join(directory, 'source-'));
  const wanted = `${source.name}${source.registry === 'npm' ? '@' : '=='}${source.version}`;
  if (source.registry === 'npm')
    execFileSync('npm', ['pack', wanted, '--silent', '--pack-destination', target]);
  else execFileSync('pip', ['download', wanted, '--quiet', ...ONE_WHEEL, '--dest', target]);
  const archive = join(target, readdirSync(target)[0] ?? '');
  const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (integrity !== source.integrity)
    throw new Error(`${wanted} has the hash ${integrity}, not the one that is pinned in sources.ts`);
  const unpacked = join(target, 'unpacked');
  mkdirSync(unpacked);
  if (source.registry === 'npm')
    execFileSync('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1']);
  else execFileSync('python3', ['-m', 'zipfile', '-e', archive, unpacked]);
  return unpacked;
}

/** The archive as it is, whatever Python runs here: nothing of it is going to be run. */
const ONE_WHEEL = ['--no-deps', '--only-binary', ':all:', '--python-version', '3.14'];
