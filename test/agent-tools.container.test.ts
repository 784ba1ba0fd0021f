import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { dataPaths } from '@openlegion/contract/installation';
import { captureVaultAdmin } from '../packages/cli/src/vault-admin/run-vault-admin.ts';
import { callScript } from './harness/call-script.ts';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { type Outside, startOutside } from './harness/outside.ts';

/*
 * The agent's own tools for the outside, from its container through a real vault to servers of this test: what its
 * model is shown, what the servers see, and that neither is shown the other's half.
 */

const TOKEN = 'token-of-the-operator-0123456789abcdef';
const ON_PAGE = 'secret-that-a-page-shows-9f8e7d6c5b4a';
const HOSTS = ['api.example.test', 'page.example.test', 'shop.example.test', 'html.duckduckgo.com'];
const get = (url: string, name?: string) => ({
  url,
  ...(name === undefined ? {} : { headers: { Authorization: `Bearer $CRED{${name}}` } }),
});

/** What the model calls when it is sent the name on the left. */
const CALLS: Record<string, [tool: string, input: object]> = {
  'with-credential': ['http_request', get('https://api.example.test/a', 'api')],
  'not-granted': ['http_request', get('https://other.example.test/')],
  'wrong-method': ['http_request', { ...get('https://api.example.test/a', 'api'), method: 'DELETE' }],
  search: ['web_search', { query: 'open legion' }],
  list: ['vault_list', {}],
  status: ['vault_status', { name: 'api' }],
  generate: ['vault_generate_secret', { name: 'key', hosts: ['shop.example.test'] }],
  'generate-elsewhere': ['vault_generate_secret', { name: 'key', hosts: ['api.example.test'] }],
  'with-generated': ['http_request', get('https://shop.example.test/a', 'agent_worker_key')],
  capture: [
    'vault_capture_from_page',
    { name: 'page', hosts: ['shop.example.test'], url: 'https://page.example.test/keys', selector: '#key' },
  ],
  'with-captured': ['http_request', get('https://shop.example.test/b', 'agent_worker_page')],
  myself: ['introspect', {}],
};

describe('tools of an agent reach out', { timeout: 300_000 }, () => {
  let installation: TestInstallation;
  let outside: Outside;
  const seen: { host: string; method: string; url: string; authorization: string }[] = [];

  before(async () => {
    outside = await startOutside(({ headers, method = '', url = '' }, response) => {
      const { host = '', authorization = '' } = headers;
      seen.push({ host, method, url, authorization });
      if (host === 'page.example.test')
        return response.end(`<p>Your key:</p><code id="key">${ON_PAGE}</code>`);
      if (host === 'html.duckduckgo.com')
        return response.end(
          '<div class="result"><a class="result__a" href="//duckduckgo.com/l/?uddg=https%3A%2F%2Ffound.example%2F">Found</a></div>',
        );
      response.end('well received');
    });
    const tools = { allowed_tools: { '*': 'allow' } };
    installation = await startInstallation({
      agents:
        'agents:\n  worker: { resources: { cpu_limit: 2 } }\n  plain: { resources: { cpu_limit: 2 } }\n',
      mesh: `llm: { default_model: scripted/assistant }\n${outside.meshYaml(HOSTS)}`,
      permissions: {
        permissions: {
          worker: {
            ...tools,
            allowed_apis: ['llm', 'vault', 'web_search'],
            allowed_domains: ['page.example.test', 'shop.example.test'],
            allowed_credentials: ['api'],
          },
          plain: { ...tools, allowed_apis: ['llm'] },
        },
      },
      scripts: { assistant: callScript(CALLS) },
    });
    const place = ['--host', 'api.example.test', '--scheme', 'bearer', '--allow', 'GET /**'];
    const added = await captureVaultAdmin(['add', 'api', ...place, '--run', installation.run], TOKEN);
    assert.equal(added.code, 0, added.stderr);
  });
  after(async () => {
    await installation?.[Symbol.asyncDispose]();
    outside?.[Symbol.dispose]();
  });

  const told: string[] = [];
  const ask = async (call: keyof typeof CALLS, agent = 'worker'): Promise<string> => {
    const { view, events } = await installation.control.ask(agent, call);
    assert.equal(view.refusal, null, installation.log('host'));
    told.push(JSON.stringify(events));
    return view.reply ?? '';
  };

  test('http_request names a credential and the server sees it; what was not granted is refused with its rule', async () => {
    assert.match(await ask('with-credential'), /^HTTP 200 OK[\s\S]*well received$/);
    assert.equal(seen.at(-1)?.authorization, `Bearer ${TOKEN}`);
    const count = seen.length;
    assert.match(await ask('not-granted'), /\(permissions\.worker\.allowed_domains\)/);
    assert.match(await ask('wrong-method'), /\(vault\.binding\)/);
    assert.equal(seen.length, count);
  });

  test('web_search finds, where it is granted', async () => {
    assert.equal(await ask('search'), '1. Found\nhttps://found.example/');
    assert.deepEqual([seen.at(-1)?.method, seen.at(-1)?.url], ['POST', '/html/']);
    const count = seen.length;
    assert.match(await ask('search', 'plain'), /was not given to this agent/);
    assert.equal(seen.length, count);
  });

  test('vault_list and vault_status show handles', async () => {
    assert.match(await ask('list'), /^\$CRED\{api\}: api\.example\.test$/m);
    assert.match(await ask('status'), /version 1 [\s\S]*last used [\s\S]*allows GET/);
    assert.equal(await ask('list', 'plain'), 'none is granted to you');
  });

  test('a secret is generated, and works where it was made for', async () => {
    assert.equal(await ask('generate'), 'kept as $CRED{agent_worker_key}, version 1');
    assert.match(await ask('with-generated'), /well received$/);
    assert.match(seen.at(-1)?.authorization ?? '', /^Bearer \S{40}$/);
    assert.match(await ask('generate-elsewhere'), /api\.example\.test/);
    assert.match(await ask('generate', 'plain'), /was not given to this agent/);
  });

  test('a secret is taken from a page, works, and is nowhere to be read', async () => {
    assert.equal(await ask('capture'), 'kept as $CRED{agent_worker_page}, version 1');
    assert.match(await ask('with-captured'), /well received$/);
    assert.equal(seen.at(-1)?.authorization, `Bearer ${ON_PAGE}`);
    const history = await installation.control.call('GET', '/api/agents/worker/history?limit=100');
    const { meshDatabase } = dataPaths(installation.home);
    const kept = [meshDatabase, `${meshDatabase}-wal`].map((file) => readFileSync(file, 'latin1'));
    assert.ok(
      [history.text, kept.join(''), told.join('')].every((place) => place.includes('agent_worker_page')),
    );
    const logs = (['host', 'gateway', 'keeper'] as const).map((part) => installation.log(part));
    for (const secret of [TOKEN, ON_PAGE])
      for (const place of [history.text, ...kept, ...logs, ...told])
        for (const form of ['utf8', 'base64', 'hex'] as const)
          assert.ok(!place.includes(Buffer.from(secret).toString(form)));
  });

  test('introspect shows grants and what is left', async () => {
    const shown = await ask('myself');
    assert.match(
      shown,
      /^You are worker[\s\S]* {2}you: \$\d+\.\d+ of \$5\.00 today, [\s\S]*the whole fleet: \$/,
    );
    assert.match(shown, / {2}allowed_credentials: api$/m);
  });
});
