import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tryKeys } from './try-keys.ts';

/** A directory with `vault.key` and, where given, `vault.key.new`; and a store that `opens` with one of the two. */
function setUp(t: TestContext, opens: string, fresh: boolean) {
  const directory = mkdtempSync(join(tmpdir(), 'keys-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'vault.key');
  writeFileSync(path, 'old');
  if (fresh) writeFileSync(`${path}.new`, 'new');
  const tried: string[] = [];
  const start = async (keyFile: string) => {
    const key = readFileSync(keyFile, 'utf8');
    tried.push(key);
    return { report: { ready: key === opens } };
  };
  return { path, tried, start };
}

test('whichever key opens the store after a rotation that was cut off stays, and the other goes', async (t) => {
  const cases = [
    { opens: 'old', fresh: false, tried: ['old'], ready: true, left: 'old', both: false },
    { opens: 'new', fresh: true, tried: ['new'], ready: true, left: 'new', both: false },
    { opens: 'old', fresh: true, tried: ['new', 'old'], ready: true, left: 'old', both: false },
    { opens: 'none', fresh: true, tried: ['new', 'old'], ready: false, left: 'old', both: true },
  ];
  for (const { opens, fresh, tried, ready, left, both } of cases) {
    const { path, start, ...seen } = setUp(t, opens, fresh);
    assert.equal((await tryKeys(path, start)).report.ready, ready);
    assert.deepEqual(seen.tried, tried);
    assert.equal(readFileSync(path, 'utf8'), left);
    assert.equal(existsSync(`${path}.new`), both);
  }
});
