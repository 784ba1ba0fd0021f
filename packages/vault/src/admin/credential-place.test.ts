import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPresets } from '../presets/preset.ts';
import { parseAdminArguments } from './admin-arguments.ts';
import { credentialArgument } from './credential-argument.ts';
import { credentialPlace, parseHost } from './credential-place.ts';
import { recognisePreset } from './import-env.ts';

const file = loadPresets();

/** What `vault add NAME OPTIONS` binds. */
function place(...args: string[]) {
  const call = parseAdminArguments(['add', ...args, '--run', '/run']);
  assert.ok(call.command === 'add');
  return credentialPlace(credentialArgument(call.name), call.place, file);
}

test('a preset says where, how and for what; what is given goes before it', () => {
  const github = place('github', '--preset', 'github');
  assert.deepEqual(
    github.bindings.map(({ host, scheme, user }) => [host, scheme, user]),
    [
      ['api.github.com', 'bearer', ''],
      ['github.com', 'basic', 'x-access-token'],
    ],
  );
  assert.deepEqual(github.environment, ['GITHUB_TOKEN', 'GH_TOKEN']);
  const own = place('gh', '--preset', 'github', '--host', 'git.corp.example:8443', '--env', 'GHE_TOKEN');
  assert.deepEqual(
    own.bindings.map(({ host, port }) => [host, port]),
    [['git.corp.example', 8443]],
  );
  assert.deepEqual(own.environment, ['GHE_TOKEN']);
  const jira = place('jira', '--preset', 'jira', '--host', 'acme.atlassian.net', '--user', 'me@acme.example');
  assert.deepEqual(jira.bindings[0]?.user, 'me@acme.example');
  const dataCenter = place('jira', '--preset', 'jira', '--host', 'jira.acme.example', '--scheme', 'bearer');
  assert.deepEqual([dataCenter.bindings[0]?.scheme, dataCenter.bindings[0]?.user], ['bearer', '']);
  assert.equal(place('l', '--preset', 'linear', '--allow', 'POST /graphql').bindings[0]?.allow.length, 1);
});

test('without a preset: the host given, the usual form of its header, reading alone', () => {
  assert.deepEqual(place('crm', '--host', 'API.crm.example').bindings, [
    {
      ...{ host: 'api.crm.example', port: 443, header: 'authorization', scheme: 'bearer', user: '' },
      ...{ allow: [{ methods: ['GET', 'HEAD'], path: '/**' }], deny: [] },
    },
  ]);
  const [key] = place(
    'crm',
    '--host',
    '*.crm.example',
    '--header',
    'X-Api-Key',
    '--allow',
    'PUT /a',
  ).bindings;
  assert.deepEqual(
    [key?.header, key?.scheme, key?.allow],
    ['x-api-key', 'raw', [{ methods: ['PUT'], path: '/a' }]],
  );
  assert.deepEqual(parseHost('[2001:db8::1]:8443'), { host: '2001:db8::1', port: 8443 });
});

test('what cannot be bound is refused, with what to do', () => {
  const cases: [string[], RegExp][] = [
    [['github'], /nowhere to send it/],
    [['x', '--preset', 'nonsense'], /no such preset/],
    [['jira', '--preset', 'jira'], /host of your own/],
    [['linear', '--preset', 'linear'], /allows nothing by itself/],
    [['aws', '--preset', 'aws'], /signs each request/],
    [['x', '--host', 'a.example', '--scheme', 'sigv4'], /signs each request/],
    [['x', '--host', 'a.example', '--scheme', 'digest'], /no such scheme/],
    [['x', '--host', 'a.example', '--allow', 'GET'], /methods, a space and a path/],
    [['x', '--host', 'https://a.example'], /a name alone/],
    [['x', '--host', 'a.example/path'], /a name alone/],
    [['x', '--host', 'user@a.example'], /a name alone/],
    [['x', '--host', 'a.example:0'], /a name alone/],
    [['x', '--host', 'a.example', '--origin', 'https://a.example'], /for the keys of model providers/],
    [['OPENLEGION_SYSTEM_OPENAI_API_KEY', '--host', 'a.example'], /bound with --origin alone/],
    [['OPENLEGION_SYSTEM_OPENAI_API_KEY', '--env', 'OPENAI_API_KEY'], /bound with --origin alone/],
    [['sk-live-Abc123', '--host', 'a.example'], /not the name of a credential/],
  ];
  for (const [args, message] of cases)
    assert.throws(
      () => place(...args),
      (error: Error & { remedy?: string }) => {
        assert.match(error.message, message);
        assert.equal(`${error.message}${error.remedy}`.includes('sk-live'), false);
        return error.remedy !== '';
      },
      args.join(' '),
    );
});

test('names of a .env file are recognised when a preset says all that is needed', () => {
  const recognised = (short: string) => recognisePreset(`OPENLEGION_CRED_${short}`, file)?.preset;
  assert.equal(recognised('BRAVE_SEARCH_API_KEY'), 'brave-search');
  assert.equal(recognised('BRAVE_API_KEY'), 'brave-search');
  assert.equal(recognised('GITHUB'), 'github');
  assert.equal(recognised('GH_TOKEN'), 'github');
  assert.equal(recognised('NOTION_API_KEY'), 'notion');
  for (const unknown of ['JIRA', 'LINEAR_API_KEY', 'MY_GITHUB', 'GITHUBX', 'TELEGRAM_BOT_TOKEN'])
    assert.equal(recognised(unknown), undefined, unknown);
});
