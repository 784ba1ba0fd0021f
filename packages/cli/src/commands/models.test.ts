import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { ModelsView } from '@openlegion/contract/control-api';
import type { CommandContext } from '../command-context.ts';
import { writeConfiguration } from '../configuration/write-configuration.ts';
import { createStyle } from '../terminal/style.ts';
import { modelsList, modelsShow } from './models.ts';
import { modelsPrice } from './models-price.ts';
import { modelsRefresh } from './models-refresh.ts';

/** An installation that does not run, and what a command says in it. */
function installation(context: TestContext): CommandContext & { said: () => string; mesh: () => string } {
  const home = mkdtempSync(join(tmpdir(), 'openlegion-models-'));
  context.after(() => rmSync(home, { recursive: true, force: true }));
  writeConfiguration(home, { template: 'starter', model: 'openai/gpt-4.1-mini' });
  let text = '';
  const line = (words = '') => {
    text += `${words}\n`;
  };
  const stream = () => new PassThrough();
  return {
    home,
    environment: {},
    terminal: {
      input: stream(),
      output: stream(),
      errors: stream(),
      interactive: false,
      style: createStyle({ isTty: false, environment: {} }),
      line,
      errorLine: line,
    },
    said: () => text,
    mesh: () => readFileSync(join(home, 'config/mesh.yaml'), 'utf8'),
  };
}

const LIST = { available: false, json: false };

test('without a running fleet: every provider, the models of one, those that a text finds', async (context) => {
  const all = installation(context);
  assert.equal(await modelsList(all, LIST), 0);
  assert.match(all.said(), /^ollama +Ollama +any +openai-chat +none +http:\/\/127\.0\.0\.1:11434\/v1$/m);
  assert.match(all.said(), /^azure +.*your own: llm\.providers\.base_url$/m);
  const one = installation(context);
  await modelsList(one, { ...LIST, provider: 'openai' });
  assert.match(one.said(), /^openai\/gpt-4\.1-mini +1047576 +32768 +0\.40 +1\.60 +0\.10 +tools vision/m);
  assert.doesNotMatch(one.said(), /anthropic|HEALTH/);
  const found = installation(context);
  await modelsList(found, { ...LIST, search: 'CLAUDE-HAIKU-4-5' });
  assert.match(found.said(), /^anthropic\/claude-haiku-4-5 /m);
  await assert.rejects(modelsList(found, { ...LIST, provider: 'nobody' }), { code: 'not_found' });
  await assert.rejects(modelsList(found, { ...LIST, available: true }), { code: 'unavailable' });
});

test('as JSON it is the view of the control API', async (context) => {
  const there = installation(context);
  await modelsList(there, { ...LIST, json: true, provider: 'google' });
  const { running, ...view } = JSON.parse(there.said());
  assert.equal(running, false);
  assert.deepEqual(ModelsView.parse(view).providers[0]?.id, 'google');
});

test('show: tiers, aliases, and the command for a price where there is none', async (context) => {
  const there = installation(context);
  await modelsShow(there, 'google/GEMINI-2.5-pro', { json: false });
  assert.match(there.said(), /1\.25 in, 10\.00 out, 0\.125 cached\n.*above 200000 input tokens: 2\.50 in/);
  const unpriced = { code: 'not_found', remedy: /models price openai\/new --input 0\.40 --output 1\.60/ };
  await assert.rejects(modelsShow(there, 'openai/new', { json: false }), unpriced);
  await assert.rejects(modelsShow(there, 'nobody/x', { json: false }), { code: 'not_found' });
  await assert.rejects(modelsShow(there, 'x', { json: false }), { code: 'bad_request' });
});

test("a price of one's own is written, shown as one's own, and stands in every list", async (context) => {
  const there = installation(context);
  await modelsPrice(there, 'deepinfra/org/New-8B', { input: '0.05', output: '0.1', context: '32000' });
  assert.match(there.mesh(), /org\/New-8B.*input_usd_per_million: 0\.05/);
  assert.match(there.said(), /It takes effect at the next start/);
  await modelsShow(there, 'deepinfra/org/new-8b', { json: false });
  assert.match(there.said(), /0\.05 in, 0\.10 out \(yours, in config\/mesh\.yaml\)/);
  assert.match(there.said(), /context +32000 tokens/);
  await modelsPrice(there, 'deepinfra/org/New-8B', { input: '0.05', output: '0.1' });
  assert.match(there.said(), /This is the price of deepinfra\/org\/New-8B already/);
});

test('a changed price keeps the limits that are known; an address that is missing is told', async (context) => {
  const there = installation(context);
  await modelsPrice(there, 'openai/gpt-4.1-mini', { input: '1', output: '2', cacheRead: '0.5' });
  assert.match(there.mesh(), /gpt-4\.1-mini.*context_tokens: 1047576/);
  await modelsPrice(there, 'azure/gpt-4.1-mini', { input: '1', output: '2' });
  assert.match(there.said(), /needs its address too: llm\.providers\.azure\.base_url/);
});

test('a price that is none, a model that is none, a provider that is not there: nothing is written', async (context) => {
  const there = installation(context);
  const before = there.mesh();
  const good = { input: '1', output: '2' };
  for (const bad of ['', '-1', '1e3', '0x1', ' 1', '1.', '.5', '1001', '0.1234567', 'NaN', '1,5'])
    await assert.rejects(
      modelsPrice(there, 'openai/m', { ...good, input: bad }),
      { code: 'bad_request' },
      bad,
    );
  for (const context_ of ['0', '-5', '1.5', '999999999', 'x'])
    await assert.rejects(modelsPrice(there, 'openai/m', { ...good, context: context_ }), {
      code: 'bad_request',
    });
  for (const name of ['m', 'openai/', 'openai/a b', '../x', 'nobody/m'])
    await assert.rejects(modelsPrice(there, name, good), { code: 'bad_request' }, name);
  assert.equal(there.mesh(), before);
});

const listOf =
  (cost: object): typeof fetch =>
  async () =>
    Response.json({
      openai: {
        models: {
          'gpt-4.1-mini': { cost, limit: { context: 1, output: 1 } },
          other: { cost, limit: { context: 9, output: 9 } },
        },
      },
    });

test('refresh shows what differs and writes nothing without a yes', async (context) => {
  const there = installation(context);
  const before = there.mesh();
  const options = { from: 'https://list.example', yes: false };
  assert.equal(await modelsRefresh(there, options, listOf({ input: 0.01, output: 0.02 })), 1);
  assert.match(there.said(), /- openai\/gpt-4\.1-mini: 0\.40 in.*\n.*\+ openai\/gpt-4\.1-mini: 0\.01 in/);
  assert.match(there.said(), /Nothing was changed/);
  assert.equal(there.mesh(), before);
});

test('with a yes it writes the prices of the models that the configuration names, and no others', async (context) => {
  const there = installation(context);
  const options = { from: 'https://list.example', yes: true };
  assert.equal(await modelsRefresh(there, options, listOf({ input: 0.5, output: 2 })), 0);
  assert.match(there.mesh(), /gpt-4\.1-mini.*input_usd_per_million: 0\.5/);
  assert.doesNotMatch(there.mesh(), /other/);
  const all = installation(context);
  await modelsRefresh(all, { ...options, provider: ['openai'] }, listOf({ input: 0.5, output: 2 }));
  assert.match(all.mesh(), /other: /);
  await assert.rejects(modelsRefresh(all, { ...options, provider: ['nobody'] }, fetch), {
    code: 'not_found',
  });
});

test('refresh where the list is as the catalog, and where there is no configuration', async (context) => {
  const there = installation(context);
  const options = { from: 'https://list.example', yes: false };
  assert.equal(await modelsRefresh(there, options, listOf({ input: 0.4, output: 1.6, cache_read: 0.1 })), 0);
  assert.match(there.said(), /As in the list: the prices of all others \(1\)/);
  const broken = installation(context);
  writeFileSync(join(broken.home, 'config/mesh.yaml'), 'llm: [');
  await assert.rejects(modelsRefresh(broken, options, listOf({})), { code: 'not_found' });
  const empty = { ...broken, home: join(broken.home, 'empty') };
  mkdirSync(empty.home);
  await assert.rejects(modelsPrice(empty, 'openai/m', { input: '1', output: '1' }), { code: 'not_found' });
  assert.equal(await modelsList(empty, LIST), 0);
});
