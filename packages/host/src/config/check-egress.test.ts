import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { selfSigned } from '../verify/self-signed.ts';
import { describeChange } from './describe-change.ts';
import { type LoadedConfig, loadConfig } from './load-config.ts';

const home = mkdtempSync(`${tmpdir()}/openlegion-egress-config-`);
mkdirSync(`${home}/config`);
after(() => rmSync(home, { recursive: true, force: true }));

function load(files: { mesh?: string; agents?: string; permissions?: object }): LoadedConfig {
  writeFileSync(`${home}/config/mesh.yaml`, files.mesh ?? '');
  writeFileSync(`${home}/config/agents.yaml`, files.agents ?? 'agents:\n  alice: {}\n');
  const permissions = JSON.stringify({ permissions: files.permissions ?? {} });
  writeFileSync(`${home}/config/permissions.json`, permissions);
  return loadConfig(home);
}

const said = (loaded: LoadedConfig) =>
  (loaded.ok ? loaded.warnings : loaded.problems).map(
    ({ file, line, message, remedy }) => `${file}:${line} ${message} → ${remedy}`,
  );

test('patterns of hosts are those that the keeper understands; for the others it says what was meant', () => {
  const allowed_domains = [
    'api.github.com',
    '*.example.com',
    'a.example:8443',
    '*.a.example:8080',
    'localhost',
    '1.1.1.1',
  ];
  assert.deepEqual(said(load({ permissions: { alice: { allowed_domains } } })), []);
  for (const [domain, meant] of [
    ['https://api.github.com/repos', '"api.github.com"'],
    ['API.GitHub.com', '"api.github.com"'],
    ['api.github.com.', '"api.github.com"'],
    ['api.github.com/v3', '"api.github.com"'],
    ['*', 'Write a host'],
    ['*.com', 'Write a host'],
    ['**.example.com', 'Write a host'],
    ['api.*.com', 'Write a host'],
    ['*example.com', 'Write a host'],
    ['a.example:0', '"a.example"'],
    ['a.example:99999', '"a.example"'],
    ['a@b.example', 'Write a host'],
    ['a b', 'Write a host'],
    ['bücher.example', 'Write a host'],
    ['[::1]:443', 'Write a host'],
    ['a..b', 'Write a host'],
    ['-a.example', 'Write a host'],
  ]) {
    const [problem, ...others] = said(load({ permissions: { alice: { allowed_domains: [domain] } } }));
    assert.ok(problem?.includes('allowed_domains') && problem.includes(meant ?? ''), `${domain}: ${problem}`);
    assert.ok(problem?.startsWith('config/permissions.json:1 '));
    assert.deepEqual(others, []);
  }
});

test('credentials are granted by short names, and those of model providers never', () => {
  const good = ['github', 'brightdata_*', '*'];
  assert.deepEqual(said(load({ permissions: { alice: { allowed_credentials: good } } })), []);
  for (const [credential, remedy] of [
    ['OPENLEGION_CRED_GITHUB', 'Did you mean "github"?'],
    ['GitHub', 'Did you mean "github"?'],
    ['$CRED{github}', 'short name'],
    ['OPENLEGION_SYSTEM_OPENAI_API_KEY', 'never granted'],
    ['git-hub', 'short name'],
  ]) {
    const [problem] = said(load({ permissions: { alice: { allowed_credentials: [credential] } } }));
    assert.ok(problem?.includes(remedy ?? ''), `${credential}: ${problem}`);
  }
});

test('pinned hosts are whole names, never metadata addresses, and say something', () => {
  const hosts = (entry: string) => said(load({ mesh: `egress:\n  hosts:\n    ${entry}\n` }));
  assert.deepEqual(hosts('git.internal: { address: 10.0.0.5, port: 8443 }'), []);
  assert.deepEqual(hosts('bank.example: { opaque: true }'), []);
  assert.match(hosts('"*.internal": { opaque: true }')[0] ?? '', /mesh\.yaml:3 .*whole name/);
  assert.match(hosts('Git.internal: { address: 10.0.0.5 }')[0] ?? '', /lower case/);
  assert.match(hosts('10.0.0.5: { address: 10.0.0.5 }')[0] ?? '', /not the name of one host/);
  assert.match(hosts('meta: { address: 169.254.169.254 }')[0] ?? '', /metadata address/);
  assert.match(hosts('a.example: {}')[0] ?? '', /says nothing/);
});

test('further roots are certificates that can be read; a private key beside them stays where it is', () => {
  const { certificatePem, keyPem } = selfSigned(['root.example'], new Date());
  writeFileSync(`${home}/config/roots.pem`, `# ours\n${keyPem}${certificatePem}`);
  const loaded = load({ mesh: 'egress: { extra_roots: roots.pem }\n' });
  assert.ok(loaded.ok);
  assert.equal(loaded.config.extraRootsPem?.trim(), certificatePem.trim());
  writeFileSync(`${home}/config/none.pem`, keyPem);
  writeFileSync(`${home}/config/broken.pem`, certificatePem.replace(/\n.{20}/, '\nAAAA'));
  for (const [file, message] of [
    ['missing.pem', /cannot be read/],
    ['none.pem', /no certificate/],
    ['broken.pem', /no certificate, or one that cannot be read/],
  ] as const)
    assert.match(said(load({ mesh: `egress:\n  extra_roots: ${file}\n` }))[0] ?? '', message);
});

test('a team’s budget that nobody shares is a warning; a team without one is not', () => {
  const teams = 'teams:\n  sale: { budget: { daily_usd: 1, monthly_usd: 2 } }\n';
  const agents = 'agents:\n  alice: { team: sales }\n';
  assert.match(
    said(load({ mesh: teams, agents }))[0] ?? '',
    /mesh\.yaml:2 .*team "sale" → Did you mean "sales"\?/,
  );
  assert.deepEqual(said(load({ agents })), []);
});

test('what changed between two configurations is named without a value', () => {
  const before = load({ agents: 'agents:\n  alice: { system_prompt: secret plan }\n  bob: {}\n' });
  const after = load({
    mesh: 'budget: { daily_usd: 1 }\n',
    agents: 'agents:\n  alice: { system_prompt: other plan }\n  carol: {}\n',
    permissions: { alice: { allowed_domains: ['a.example'] } },
  });
  assert.ok(before.ok && after.ok);
  const changes = describeChange(before.config, after.config);
  assert.deepEqual(changes.toSorted(), [
    'agents.alice.system_prompt',
    'agents.bob (removed)',
    'agents.carol (added)',
    'mesh.budget.daily_usd',
    'permissions.alice.allowed_domains',
  ]);
  assert.deepEqual(describeChange(after.config, after.config), []);
});
