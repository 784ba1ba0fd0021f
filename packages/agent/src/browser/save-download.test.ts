import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WorkspacePath } from '@openlegion/contract/agent-api';
import fc from 'fast-check';
import type { Download } from './driver.ts';
import { createSaveDownload, plainName } from './save-download.ts';

test('whatever a page calls a download, its name is one of a workspace file', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (suggested) => {
      const path = `downloads/${plainName(suggested)}`;
      assert.ok(WorkspacePath.safeParse(path).success, JSON.stringify(path));
    }),
  );
  for (const [suggested, expected] of [
    ['../../etc/passwd', '_.._etc_passwd'],
    ['.bashrc', 'bashrc'],
    ['報告書.pdf', '報告書.pdf'],
    ['', 'download'],
    ['a\u202Efdp.exe', 'a_fdp.exe'],
  ] as const)
    assert.equal(plainName(suggested), expected);
});

test('a download never replaces a file, and one that is too large is thrown away', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ol-download-'));
  try {
    const save = createSaveDownload(join(directory, 'workspace'), directory, () => () => {});
    const of = (name: string, bytes: number): Download => ({
      suggestedFilename: () => name,
      saveAs: async (path) => {
        await writeFile(path, '');
        await truncate(path, bytes);
      },
      cancel: async () => {},
      delete: async () => {},
    });
    assert.equal(await save(of('a.csv', 4)), 'downloaded downloads/a.csv (4 bytes)');
    assert.equal(await save(of('a.csv', 5)), 'downloaded downloads/a-2.csv (5 bytes)');
    assert.match(await save(of('b.iso', 100 * 1024 * 1024 + 1)), /thrown away/);
    assert.deepEqual(await readdir(directory), ['workspace']);
    assert.deepEqual((await readdir(join(directory, 'workspace/downloads'))).toSorted(), [
      'a-2.csv',
      'a.csv',
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('of downloads without end three go on, and none when they fill the disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ol-download-'));
  try {
    let look = () => {};
    const save = createSaveDownload(join(directory, 'workspace'), directory, (_ms, run) => {
      look = run;
      return () => {};
    });
    const cancelled: string[] = [];
    const endless = (name: string): Download => {
      const ended = Promise.withResolvers<void>();
      ended.promise.catch(() => {});
      return {
        suggestedFilename: () => name,
        saveAs: () => ended.promise,
        cancel: async () => {
          cancelled.push(name);
          ended.reject(new Error('cancelled'));
        },
        delete: async () => {},
      };
    };
    const three = ['a', 'b', 'c'].map((name) => save(endless(name)));
    assert.match(await save(endless('d')), /cancelled: 3 are under way/);
    assert.deepEqual(cancelled, ['d']);
    await mkdir(join(directory, 'half'));
    await writeFile(join(directory, 'half', 'x'), '');
    await truncate(join(directory, 'half', 'x'), 100 * 1024 * 1024 + 1);
    look();
    const ends = await Promise.allSettled(three);
    assert.ok(ends.every(({ status }) => status === 'rejected'));
    assert.deepEqual(cancelled, ['d', 'a', 'b', 'c']);
  } finally {
    await rm(directory, { recursive: true });
  }
});
