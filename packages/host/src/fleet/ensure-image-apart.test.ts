import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { ensureImageApart } from './ensure-image-apart.ts';

const directory = mkdtempSync(`${tmpdir()}/openlegion-image-`);
after(() => rmSync(directory, { recursive: true, force: true }));

async function ensured(program: string): Promise<{ image: string; logs: string[] }> {
  const path = `${directory}/${program.length}.mjs`;
  writeFileSync(path, program);
  const logs: string[] = [];
  const { signal } = new AbortController();
  return {
    image: await ensureImageApart({ environment: {}, log: (line) => logs.push(line), signal, program: path }),
    logs,
  };
}

test('the image that the program names, and its progress', async () => {
  const { image, logs } = await ensured(
    `console.log('{"progress":"base: x"}'); console.log('{"image":"a:1"}');`,
  );
  assert.equal(image, 'a:1');
  assert.deepEqual(logs, ['image: base: x']);
});

test('what the program refuses is thrown as it is; one that dies is a refusal too', async () => {
  const refusal = { code: 'unavailable', rule: 'engine.none', message: 'm', remedy: 'r' };
  await assert.rejects(
    ensured(`console.log(${JSON.stringify(JSON.stringify({ refusal }))}); process.exitCode = 1;`),
    refusal,
  );
  await assert.rejects(ensured('process.exit(3);'), { code: 'internal', rule: 'image.build' });
});
