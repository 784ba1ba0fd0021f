import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CredentialBinding } from '@openlegion/contract/keeper-protocol';
import { REQUEST_PARSERS } from '../process/keeper-requests.ts';
import { permits } from '../process/match-request.ts';
import { parseRule } from './parse-rule.ts';
import { loadPresets, type Preset, presetBindings } from './preset.ts';

const { presets, refused } = loadPresets();
const OWN = [{ host: 'own.example', port: 8443 }];

function bindingsOf(name: string, own = false): CredentialBinding[] {
  const preset = presets.find((one) => one.name === name);
  assert.ok(preset, name);
  return presetBindings(preset, own ? OWN : [], []);
}

const may = (bindings: CredentialBinding[], method: string, path: string, host?: string) =>
  bindings.some((binding) => (!host || binding.host === host) && permits(binding, method, path));

const allOf = (preset: Preset): CredentialBinding[] => [
  ...presetBindings(preset, [], []),
  ...(preset.ownHost.length > 0 ? presetBindings(preset, OWN, []) : []),
];

test('the keeper takes every preset as it is, on its own hosts and on those of an operator', () => {
  for (const preset of presets) {
    for (const hosts of preset.hostNeeded ? [OWN] : [[], OWN]) {
      const bindings = presetBindings(preset, hosts, []);
      assert.ok(bindings.length > 0, preset.name);
      const { name, environment } = preset;
      const credential = `OPENLEGION_CRED_${name.toUpperCase().replaceAll('-', '_')}`;
      const args = { name: credential, value: 'x', origins: [], bindings, environment };
      assert.deepEqual(REQUEST_PARSERS.admin.put(args, ''), args);
    }
    assert.match(preset.source, /^https:\/\//);
  }
  assert.equal(presets.length, 10);
});

test('presets are for reading: no method but GET and HEAD, save searches and fetches that are named', () => {
  const named = presets.flatMap((preset) =>
    allOf(preset).flatMap(({ allow }) =>
      allow.filter(({ methods }) => methods.some((method) => method !== 'GET' && method !== 'HEAD')),
    ),
  );
  assert.deepEqual([...new Set(named.map(({ methods, path }) => `${methods.join()} ${path}`))].sort(), [
    'POST /**/git-upload-pack',
    'POST /api/v1/accounts/search',
    'POST /api/v1/contacts/search',
    'POST /api/v1/mixed_people/api_search',
    'POST /rest/api/3/search/jql',
    'POST /v1/data_sources/*/query',
    'POST /v1/databases/*/query',
    'POST /v1/search',
  ]);
  for (const preset of presets)
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'])
      assert.equal(may(allOf(preset), method, '/v1/anything'), false, `${preset.name} ${method}`);
});

test('GitHub: reading and cloning, on its own hosts alone each', () => {
  const github = bindingsOf('github');
  assert.ok(may(github, 'GET', '/repos/acme/site/contents/src/hooks/use-key.ts?ref=main', 'api.github.com'));
  assert.ok(may(github, 'GET', '/acme/site.git/info/refs?service=git-upload-pack', 'github.com'));
  assert.ok(may(github, 'POST', '/acme/site.git/git-upload-pack', 'github.com'));
  assert.equal(
    may(github, 'GET', '/acme/site.git/info/refs?service=git-receive-pack'),
    true,
    'as an API path',
  );
  for (const [method, path] of [
    ['GET', '/acme/site.git/info/refs?service=git-receive-pack'],
    ['GET', '/acme/site.git/info/refs'],
    ['POST', '/acme/site.git/git-receive-pack'],
    ['GET', '/settings/tokens'],
  ] as const)
    assert.equal(may(github, method, path, 'github.com'), false, path);
  const own = bindingsOf('github', true);
  assert.ok(may(own, 'GET', '/api/v3/repos/acme/site'));
  assert.equal(may(own, 'GET', '/settings/tokens'), false);
});

/** Endpoints that mint or show credentials. Each must stay shut whatever an operator adds with a wildcard. */
const MINTING: Record<string, readonly string[]> = {
  github: [
    'POST /graphql',
    'POST /repos/acme/site/keys',
    'GET /repos/acme/site/hooks/1',
    'POST /repositories/7/hooks',
    'POST /orgs/acme/hooks',
    'POST /organizations/7/hooks',
    'POST /repos/acme/site/actions/runners/registration-token',
    'POST /repos/acme/site/actions/runners/generate-jitconfig',
    'PUT /repos/acme/site/actions/secrets/TOKEN',
    'PUT /repos/acme/site/environments/live/secrets/TOKEN',
    'PUT /orgs/acme/dependabot/secrets/TOKEN',
    'POST /user/keys',
    'POST /user/gpg_keys',
    'POST /authorizations',
    'POST /applications/x/token',
    'POST /app/installations/1/access_tokens',
    'POST /app-manifests/code/conversions',
    'GET /orgs/acme/personal-access-tokens',
  ],
  gitlab: [
    'POST /api/graphql',
    'POST /api/v4/projects/7/access_tokens',
    'POST /api/v4/projects/acme%2Fsite/access_tokens',
    'POST /api/v4/groups/7/deploy_tokens',
    'GET /api/v4/projects/7/variables',
    'GET /api/v4/projects/acme%2Fsite/%76ariables',
    'GET /api/v4/projects/7/triggers',
    'GET /api/v4/projects/7/hooks',
    'POST /api/v4/projects/7/deploy_keys',
    'POST /api/v4/user/keys',
    'POST /api/v4/user/runners',
    'POST /api/v4/users/7/impersonation_tokens',
    'POST /api/v4/personal_access_tokens/self/rotate',
    'POST /api/v4/runners/reset_registration_token',
    'GET /api/v4/admin/ci/variables',
    'POST /oauth/token',
  ],
  apollo: ['POST /api/v1/oauth/token', 'POST /api/v1/api_keys'],
  brightdata: ['GET /zone?zone=x', 'GET /zone/passwords?zone=x', 'POST /zone/add_password'],
  notion: ['POST /v1/oauth/token'],
  linear: ['POST /oauth/token'],
  jira: ['POST /rest/pat/latest/tokens', 'POST /rest/webhooks/1.0/webhook', 'POST /rest/api/3/webhook'],
  stripe: [
    'POST /v1/webhook_endpoints',
    'GET /v1/webhook_endpoints/we_1',
    'POST /v1/ephemeral_keys',
    'GET /v1/apps/secrets/find',
    'POST /v1/account_sessions',
    'POST /v1/terminal/connection_tokens',
    'GET /v1/issuing/cards/ic_1?expand[]=number',
    'POST /v2/core/event_destinations',
  ],
};

test('endpoints that mint credentials stay shut under a wildcard, in other spellings too, until named', () => {
  for (const [name, requests] of Object.entries(MINTING)) {
    const preset = presets.find((one) => one.name === name);
    assert.ok(preset);
    const hosts = preset.hostNeeded ? OWN : [];
    const wide = presetBindings(preset, hosts, [parseRule('* /**')]);
    for (const request of requests) {
      const [method = '', path = ''] = request.split(' ');
      const [bare = '', query = ''] = path.split('?');
      const ask = query === '' ? '' : `?${query}`;
      const encoded = bare.replace(/[a-z](?=[a-z_]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
      for (const spelling of [
        bare,
        bare.toUpperCase(),
        `${bare}/`,
        bare.replace(/\/(?=[^/]*$)/, '//'),
        encoded,
      ])
        assert.equal(may(wide, method, spelling + ask), false, `${name}: ${method} ${spelling}`);
      if (bare.includes('%')) continue;
      const opened = presetBindings(preset, hosts, [parseRule(`${method} ${bare}`)]);
      assert.ok(may(opened, method, bare + ask), `${name}: ${request} when named`);
    }
  }
  assert.deepEqual(
    presets.map(({ name }) => name).filter((name) => !(name in MINTING)),
    ['brave-search', 'hunter'],
    'services without such an endpoint',
  );
});

test('on a host of the operator the API lies elsewhere, and so does what is denied', () => {
  const preset = presets.find(({ name }) => name === 'github');
  assert.ok(preset);
  const wide = presetBindings(preset, OWN, [parseRule('* /**')]);
  for (const path of ['/api/v3/repos/a/b/keys', '/graphql', '/api/graphql', '/api/v3/user/keys'])
    assert.equal(may(wide, 'POST', path), false, path);
});

test('what signs requests is refused by name, with the reason', () => {
  assert.ok(refused.some(({ names }) => names.includes('aws')));
  for (const { reason } of refused) assert.ok(reason.length > 40);
});

test('a rule is methods and a path, and nothing else', () => {
  assert.deepEqual(parseRule(' GET,HEAD  /v1/** '), { methods: ['GET', 'HEAD'], path: '/v1/**' });
  for (const wrong of [
    '',
    'GET',
    '/v1',
    'get /v1',
    'GET v1',
    'GET /v1 /v2',
    'GET, HEAD /v1',
    'GET /v1\u00e9',
  ])
    assert.throws(() => parseRule(wrong), { code: 'bad_request', rule: 'vault.rule' }, wrong);
});
