import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { prepareForeignRoot } from './prepare-foreign-root.ts';

test('a root has no setuid bit, nothing that only its own user reads, no /data, and the agent’s roots', {
  skip: process.getuid?.() !== 0 && 'it changes owners, which takes root',
}, () => {
  const root = mkdtempSync(join(tmpdir(), 'ol-root-'));
  const outside = mkdtempSync(join(tmpdir(), 'ol-outside-'));
  const make = (path: string, mode: number, text = 'x') => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  const modeOf = (path: string) => (lstatSync(join(root, path)).mode & 0o7777).toString(8);
  try {
    make('usr/bin/sudo', 0o4755);
    make('usr/bin/wall', 0o2711);
    make('home/app/secret', 0o600);
    make('home/app/run', 0o750);
    make('etc/passwd', 0o644, 'root:x:0:0::/root:/bin/sh\nagent2:x:10001:1000::/:/bin/sh');
    make('etc/group', 0o644, 'node:x:1000:\n');
    make('etc/ssl/certs/ca-certificates.crt', 0o644);
    make('data/left/over', 0o644);
    make('tmp/left', 0o644);
    writeFileSync(join(outside, 'file'), 'x');
    chmodSync(join(outside, 'file'), 0o4600);
    chmodSync(join(root, 'home/app'), 0o700);
    symlinkSync(outside, join(root, 'home/app/link'));
    symlinkSync(join(outside, 'file'), join(root, 'usr/bin/link'));

    prepareForeignRoot(root, '/tmp/.openlegion/roots.pem');
    assert.deepEqual(
      ['usr/bin/sudo', 'usr/bin/wall', 'home/app/secret', 'home/app/run', 'home/app', 'tmp', 'data'].map(
        modeOf,
      ),
      ['755', '755', '644', '755', '755', '1777', '700'],
    );
    assert.deepEqual([readdirSync(join(root, 'data')), readdirSync(join(root, 'tmp'))], [[], []]);
    assert.equal(lstatSync(join(root, 'data')).uid, 1000);
    // A link is not followed, and what it names not touched.
    assert.equal((lstatSync(join(outside, 'file')).mode & 0o7777).toString(8), '4600');
    assert.equal(readlinkSync(join(root, 'etc/ssl/certs/ca-certificates.crt')), '/tmp/.openlegion/roots.pem');
    assert.match(readFileSync(join(root, 'etc/passwd'), 'utf8'), /\nagent:x:1000:1000::\/data:\/bin\/sh\n$/);
    assert.equal(readFileSync(join(root, 'etc/group'), 'utf8'), 'node:x:1000:\n');
  } finally {
    rmSync(root, { recursive: true });
    rmSync(outside, { recursive: true });
  }
});
