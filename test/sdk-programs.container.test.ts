import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Dialect } from '@openlegion/contract/catalog';
import { dataPaths } from '@openlegion/contract/installation';
import { rolldown } from 'rolldown';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { streamOf } from './harness/provider-shapes.ts';

/*
 * The official clients in a container without a network, against servers of this machine that speak each dialect: by
 * the model endpoint, the pipe, the host, the keeper and the gateway.
 */

const SCRIPT = `
rules:
  - when: { user: '/^run (.+)$/s', round: 0 }
    answer: { calls: [{ tool: exec, arguments: { command: '{{1}}' } }] }
  - when: { tool: exec }
    answer: { text: '{{result}}' }
otherwise: { text: scripted }
`;
const MODELS = Dialect.options.map((dialect) => `own-${dialect}/m`);

describe('programs in a container use models of every dialect', { timeout: 300_000 }, () => {
  let installation: TestInstallation;
  let provider: Server;
  const wire: string[] = [];

  before(async () => {
    provider = createServer((request, response) => {
      const dialect = Dialect.parse((request.url ?? '').split('/')[1]);
      wire.push(dialect);
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(streamOf(dialect, 'text').join(''));
    });
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    const { port } = provider.address() as AddressInfo;
    const providers = Dialect.options.map(
      (dialect) =>
        `    own-${dialect}: { base_url: "http://127.0.0.1:${port}/${dialect}/v1", dialect: ${dialect}, key: none, models: { m: { input_usd_per_million: 1, output_usd_per_million: 1 } } }`,
    );
    installation = await startInstallation({
      agents: 'agents:\n  worker: { resources: { cpu_limit: 2, disk_limit: 32m } }\n',
      mesh: [
        'llm:',
        '  default_model: scripted/assistant',
        `  failover: { scripted/assistant: [${MODELS.join(', ')}] }`,
        '  providers:',
        ...providers,
        '',
      ].join('\n'),
      permissions: {
        permissions: { worker: { allowed_apis: ['llm'], allowed_tools: { exec: 'allow' } } },
      },
      scripts: { assistant: SCRIPT },
    });
  });
  after(async () => {
    provider?.closeAllConnections();
    provider?.close();
    await installation?.[Symbol.asyncDispose]();
  });

  test('each client, streamed, to each dialect; the agent’s own model; a model that is not granted', async () => {
    const bundle = await rolldown({
      input: join(import.meta.dirname, 'harness/sdk-program.ts'),
      platform: 'node',
      logLevel: 'silent',
    });
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
    assert.equal(output.length, 1);
    // The agent is awake once it has answered.
    await installation.control.ask('worker', 'hello');
    const token = readFileSync(dataPaths(installation.home).controlToken, 'utf8').trim();
    const put = await fetch(
      `http://127.0.0.1:${installation.control.port}/api/agents/worker/workspace/sdk.mjs`,
      {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
        body: output[0].code,
      },
    );
    assert.equal(put.status, 204, await put.text());
    const { view } = await installation.control.ask('worker', `run node sdk.mjs ${MODELS.join(' ')}`);
    const line = (view.reply ?? '').split('\n').find((text) => text.startsWith('{'));
    assert.ok(line, `${view.reply} ${JSON.stringify(view.refusal)} ${installation.log('host')}`);
    const { models, own, denied, ...answers } = JSON.parse(line);
    assert.deepEqual(
      answers,
      Object.fromEntries(
        MODELS.flatMap((model) =>
          ['chat', 'responses', 'messages'].map((client) => [`${model} ${client}`, 'Paris it is.']),
        ),
      ),
    );
    assert.deepEqual(models, ['scripted/assistant', ...MODELS]);
    assert.equal(own, 'scripted');
    assert.match(denied, /403/);
    for (const dialect of Dialect.options)
      assert.equal(wire.filter((name) => name === dialect).length, 3, dialect);
    assert.ok(view.chargedMicroUsd > 0);
  });
});
