import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { createTarArchive } from './tar-archive.ts';

async function bytesOf(archive: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const entry = (path: string, text: string) => ({
  path,
  mode: 0o644,
  bytes: Buffer.byteLength(text),
  content: Buffer.from(text),
});

test('tar itself reads it back', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ol-tar-'));
  try {
    const long = 'x'.repeat(1500);
    const far = `${'d'.repeat(90)}/${'e'.repeat(60)}/${'f'.repeat(100)}`;
    const archive = createTarArchive([
      entry('a', 'one'),
      entry('deep/b.js', long),
      entry('empty', ''),
      entry(far, 'far'),
    ]);
    const tar = spawn('tar', ['-x', '-C', directory], { stdio: ['pipe', 'ignore', 'inherit'] });
    const exited = new Promise((resolve) => tar.on('exit', resolve));
    await pipeline(archive, tar.stdin);
    assert.equal(await exited, 0);
    assert.equal(await readFile(join(directory, 'a'), 'utf8'), 'one');
    assert.equal(await readFile(join(directory, 'deep/b.js'), 'utf8'), long);
    assert.equal(await readFile(join(directory, 'empty'), 'utf8'), '');
    assert.equal(await readFile(join(directory, far), 'utf8'), 'far');
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('the same files give the same bytes', async () => {
  const files = [entry('a', 'one'), entry('b', 'two')];
  assert.deepEqual(await bytesOf(createTarArchive(files)), await bytesOf(createTarArchive(files)));
});

test('a file that changed while it was read fails the build', async () => {
  const shorter = { ...entry('a', 'one'), bytes: 4 };
  await assert.rejects(bytesOf(createTarArchive([shorter])), /changed/);
  await assert.rejects(bytesOf(createTarArchive([entry('x'.repeat(101), '')])), /too long/);
  await assert.rejects(bytesOf(createTarArchive([entry(`${'d'.repeat(156)}/x`, '')])), /too long/);
});
