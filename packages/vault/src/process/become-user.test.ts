import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const asRoot = { skip: process.getuid?.() === 0 ? false : 'needs root, to give it up' };

test('root, its groups and the way back are given up', asRoot, () => {
  const script = `
    const { becomeUser } = await import(${JSON.stringify(join(import.meta.dirname, 'become-user.ts'))});
    process.setgroups([4, 5]);
    becomeUser(61001);
    let back = 'refused';
    try { process.setuid(0); back = 'regained'; } catch {}
    console.log(JSON.stringify([process.getuid(), process.getgid(), process.getgroups(), back]));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(child.stdout.trim(), '[61001,61001,[61001],"refused"]', child.stderr);
});
