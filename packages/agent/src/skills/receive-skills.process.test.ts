import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { spawnAgent } from '../testing/spawn-agent.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';

const START = {
  ...{ name: 'assistant', role: '', model: 'scripted/a', maxTokens: 100, temperature: 0, thinking: 'off' },
  ...{ systemPrompt: '', initialInstructions: '', tools: [], extras: {} },
  egress: { authorityPem: '', environment: {} },
};
const main = `${import.meta.dirname}/../main.ts`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const files = (content: Record<string, string>) => ({
  files: Object.entries(content).map(([path, text]) => ({ path, base64: base64(text) })),
});

test('what is given replaces all that was there, before the start and after it; an agent that is given nothing has nothing', {
  timeout: 30_000,
}, async ({ signal }) => {
  using data = temporaryDirectory();
  const operator = `${data.path}/skills/operator`;
  const first = spawnAgent({ main, data: data.path, signal, mesh: () => {} });
  const put = (body: unknown) => first.request('PUT', '/skills', body);
  assert.equal((await put(files({ 'a.ts': 'one', 'pack/SKILL.md': 'two' }))).status, 204);
  assert.equal((await first.request('POST', '/start', START)).status, 204);
  assert.deepEqual(readdirSync(operator, { recursive: true }).sort(), ['a.ts', 'pack', 'pack/SKILL.md']);
  assert.equal((await put(files({ 'b.ts': 'three' }))).status, 204);
  assert.deepEqual(readdirSync(operator), ['b.ts']);
  for (const body of [
    files({ '../escaped': 'x' }),
    files({ '/etc/x': 'x' }),
    files({ 'a/./b': 'x' }),
    files({ a: 'x', 'a/b': 'x' }),
    { files: [{ path: 'a', base64: '***' }] },
    { files: [{ path: 'a', base64: 'eA==', mode: 511 }] },
    { files: 'a' },
    {},
  ])
    assert.notEqual((await put(body)).status, 204, JSON.stringify(body));
  const twice = { files: [...files({ a: 'x' }).files, ...files({ a: 'y' }).files] };
  assert.notEqual((await put(twice)).status, 204);
  assert.deepEqual(readdirSync(`${data.path}/skills`), ['operator']);
  assert.equal(readFileSync(`${operator}/b.ts`, 'utf8'), 'three');
  first.end();
  assert.equal(await first.exited, 0);

  // The agent put a link where the operator's folder was: it is what goes, not what it leads to.
  const outside = `${data.path}/outside`;
  mkdirSync(outside);
  writeFileSync(`${outside}/kept`, 'x');
  const second = spawnAgent({ main, data: data.path, signal, mesh: () => {} });
  rmSync(operator, { recursive: true });
  symlinkSync(outside, operator);
  assert.equal((await second.request('PUT', '/skills', files({ 'c.ts': 'x' }))).status, 204);
  assert.deepEqual([readdirSync(operator), readdirSync(outside)], [['c.ts'], ['kept']]);
  second.end();
  await second.exited;

  const third = spawnAgent({ main, data: data.path, signal, mesh: () => {} });
  assert.equal((await third.request('POST', '/start', START)).status, 204);
  assert.equal(existsSync(operator), false);
  third.end();
  await third.exited;
});
