import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outside, startOutside } from './outside.ts';

/** The registry of npm as far as `npx` needs it, with what is installed in a directory: each package as it lies there. */
export interface TestRegistry extends Outside {
  /** What was asked for. */
  asked: string[];
}

export async function startRegistry(directory: string, host: string): Promise<TestRegistry> {
  const places = packagesBelow(join(directory, 'node_modules'));
  const tarballs = new Map<string, Buffer>();
  const asked: string[] = [];
  const tarball = (name: string, version: string): Buffer => {
    const key = `${name}@${version}`;
    const packed =
      tarballs.get(key) ??
      execFileSync(
        'tar',
        [
          '-C',
          places.get(name)?.get(version) ?? '',
          '--exclude=./node_modules',
          '--transform=s,^\\.,package,',
          '-czf',
          '-',
          '.',
        ],
        {
          maxBuffer: 64 * 1024 * 1024,
        },
      );
    tarballs.set(key, packed);
    return packed;
  };
  const outside = await startOutside(({ url = '' }, response) => {
    asked.push(url);
    const path = decodeURIComponent(url.slice(1));
    const [, packed, version] = /^(.+)\/-\/(.+)\.tgz$/.exec(path) ?? [];
    if (packed !== undefined && version !== undefined) return response.end(tarball(packed, version));
    const versions = places.get(path);
    if (versions === undefined) {
      response.statusCode = 404;
      return response.end('{}');
    }
    const described = [...versions].map(([number, place]) => {
      const manifest = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
      const integrity = `sha512-${createHash('sha512').update(tarball(path, number)).digest('base64')}`;
      return [
        number,
        { ...manifest, dist: { integrity, tarball: `https://${host}/${path}/-/${number}.tgz` } },
      ];
    });
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        name: path,
        'dist-tags': { latest: [...versions.keys()].at(-1) },
        versions: Object.fromEntries(described),
      }),
    );
  });
  return { ...outside, asked };
}

/** Where each version of each package lies, those within others included. */
function packagesBelow(modules: string, found = new Map<string, Map<string, string>>()) {
  for (const entry of readdirSync(modules)) {
    if (entry.startsWith('.')) continue;
    const names = entry.startsWith('@')
      ? readdirSync(join(modules, entry)).map((part) => `${entry}/${part}`)
      : [entry];
    for (const name of names) {
      const place = join(modules, name);
      const manifest = join(place, 'package.json');
      if (!existsSync(manifest)) continue;
      const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
      const versions = found.get(name) ?? new Map<string, string>();
      found.set(name, versions.set(version, place));
      if (existsSync(join(place, 'node_modules'))) packagesBelow(join(place, 'node_modules'), found);
    }
  }
  return found;
}
