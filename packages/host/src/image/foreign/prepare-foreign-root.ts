import type { Stats } from 'node:fs';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const SETUID_SETGID = 0o6000;
const UID = 1000;
/** Where the distributions keep the bundle of roots that programs read without being told another. */
const BUNDLES = [
  'etc/ssl/certs/ca-certificates.crt',
  'etc/ssl/cert.pem',
  'etc/pki/tls/certs/ca-bundle.crt',
  'usr/lib/ssl/cert.pem',
];

/**
 * Makes someone else's root into one for an agent, from inside of it: no setuid or setgid bit anywhere; what the image's
 * own user could read the agent's can; /data and /tmp empty; the user there; the bundles of roots where the agent puts
 * its own. `roots` is where that is. Runs at the image's build, as root, without a network.
 */
export function prepareForeignRoot(root: string, roots: string): void {
  for (const name of ['data', 'tmp']) rmSync(join(root, name), { recursive: true, force: true });
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  mkdirSync(join(root, 'data'), { mode: 0o700 });
  chownSync(join(root, 'data'), UID, UID);
  const own = new Set(['proc', 'sys', 'dev', 'data', 'tmp'].map((name) => join(root, name)));
  const device = lstatSync(root).dev;
  const open = [root];
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    for (const entry of readdirSync(directory)) {
      const path = join(directory, entry);
      const stat = lstatSync(path);
      if (stat.isSymbolicLink() || own.has(path)) continue;
      const inside = stat.isDirectory() && stat.dev === device;
      if (stat.isFile() || inside) openUp(path, stat);
      if (inside) open.push(path);
    }
  }
  addUser(root);
  for (const bundle of BUNDLES) {
    const path = join(root, bundle);
    if (!existsSync(dirname(path))) continue;
    rmSync(path, { force: true });
    symlinkSync(roots, path);
  }
}

/** What its owner may read and run, everyone may: in the image nothing is anyone's but the agent's. */
function openUp(path: string, { mode }: Stats): void {
  const permissions = mode & 0o7777;
  const owners = permissions & 0o500;
  const wanted = (permissions & ~SETUID_SETGID) | (owners >> 3) | (owners >> 6);
  if (wanted !== permissions) chmodSync(path, wanted);
}

function addUser(root: string): void {
  mkdirSync(join(root, 'etc'), { recursive: true });
  for (const [file, line] of [
    ['etc/passwd', `agent:x:${UID}:${UID}::/data:/bin/sh`],
    ['etc/group', `agent:x:${UID}:`],
  ] as const) {
    const path = join(root, file);
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    // A name for the number is all that is wanted, and the image may have one.
    if (text.split('\n').some((entry) => entry.split(':')[2] === String(UID))) continue;
    appendFileSync(path, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`);
  }
}
