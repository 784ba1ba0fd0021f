import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { loadConfig } from './load-config.ts';

const home = mkdtempSync(`${tmpdir()}/openlegion-config-`);
mkdirSync(`${home}/config`);
after(() => rmSync(home, { recursive: true, force: true }));

const GOOD = {
  mesh: 'llm:\n  default_model: openai/gpt-4.1-mini\n  failover: { openai/gpt-4.1-mini: [anthropic/claude-haiku-4-5] }\n',
  agents: 'agents:\n  alice:\n    role: lead\n  bob:\n    model: scripted/x\n',
  permissions: '{"permissions": {"alice": {"can_message": ["bob"]}, "default": {"allowed_apis": ["llm"]}}}',
};

function load(files: Partial<typeof GOOD>) {
  const { mesh, agents, permissions } = { ...GOOD, ...files };
  writeFileSync(`${home}/config/mesh.yaml`, mesh);
  writeFileSync(`${home}/config/agents.yaml`, agents);
  writeFileSync(`${home}/config/permissions.json`, permissions);
  return loadConfig(home);
}

/** `file:line:column message → remedy` of each problem. */
function problems(files: Partial<typeof GOOD>): string[] {
  const loaded = load(files);
  assert.equal(loaded.ok, false, 'it was accepted');
  return loaded.ok
    ? []
    : loaded.problems.map(
        (problem) =>
          `${problem.file}:${problem.line}:${problem.column} ${problem.message} → ${problem.remedy}`,
      );
}

test('a good configuration: models with their failover, permissions of one’s own or by default, nothing else granted', () => {
  const loaded = load({});
  assert.ok(loaded.ok);
  const { agents } = loaded.config;
  assert.deepEqual(agents.get('alice')?.models, ['openai/gpt-4.1-mini', 'anthropic/claude-haiku-4-5']);
  assert.deepEqual(agents.get('bob')?.models, ['scripted/x']);
  assert.equal(agents.get('alice')?.permissionsRecord, 'alice');
  assert.deepEqual(agents.get('alice')?.permissions.allowed_apis, []);
  assert.equal(agents.get('bob')?.permissionsRecord, 'default');
  assert.deepEqual(agents.get('bob')?.permissions.allowed_apis, ['llm']);
  assert.deepEqual(loaded.warnings, []);
});

test('each mistake is named with file, line, column and remedy', () => {
  const cases: [Partial<typeof GOOD>, RegExp][] = [
    [
      { agents: 'agents:\n  alice:\n    modle: x/y\n' },
      /^config\/agents\.yaml:3:5 unknown key "modle" → Did you mean "model"\?$/,
    ],
    [
      { agents: 'agents:\n  alice:\n    role: a\n    role: b\n' },
      /^config\/agents\.yaml:4:5 Map keys must be unique → Keep one/,
    ],
    [{ agents: 'agents:\n  Alice: {}\n' }, /^config\/agents\.yaml:2:3 .*not a usable name.*lower-case/],
    [{ agents: 'agents:\n  operator: {}\n' }, /^config\/agents\.yaml:2:3 .*reserved/],
    [{ agents: 'agents:\n  a:\n    model: gpt\n' }, /^config\/agents\.yaml:3:5 .*"gpt" → .*provider\/model/],
    [
      { agents: 'agents:\n  a:\n    resources: { memory_limit: 384 }\n' },
      /^config\/agents\.yaml:3:18 .*memory_limit" is 384/,
    ],
    [{ agents: 'agents:\n  a:\n\trole: x\n' }, /^config\/agents\.yaml:3:1 .*[Tt]ab.* → Indent with spaces/],
    [{ agents: 'agents: [unclosed\n' }, /^config\/agents\.yaml:2:1 .* → Check the indentation/],
    [{ agents: 'agents:\n  a: !!js/function "x"\n' }, /^config\/agents\.yaml:2:6 .*tag.* → Remove the tag/],
    [{ agents: '' }, /^config\/agents\.yaml:1:1 "agents" is missing/],
    [
      { mesh: 'mesh: { host: 0.0.0.0 }\n' },
      /^config\/mesh\.yaml:1:9 .*never bound to a public address → .*SSH tunnel/,
    ],
    [
      { mesh: 'mesh:\n  port: 99999\n' },
      /^config\/mesh\.yaml:2:3 "mesh\.port" is too large → Write at most 65535/,
    ],
    [
      { mesh: 'budget:\n  timezone: Europe/Berln\n' },
      /^config\/mesh\.yaml:2:3 unknown time zone "Europe\/Berln" → Did you mean "Europe\/Berlin"\?/,
    ],
    [
      { mesh: 'llm:\n  temperature: hot\n' },
      /^config\/mesh\.yaml:2:3 "llm\.temperature" is "hot" → Write a number/,
    ],
    [{ mesh: 'llm:\n  failover: { gpt: [] }\n' }, /^config\/mesh\.yaml:2:15 .*not a usable name/],
    [
      { permissions: '{"permissions": {"alice": {"can_mesage": []}}}' },
      /^config\/permissions\.json:1:28 unknown key "can_mesage" → Did you mean "can_message"\?/,
    ],
    [
      { permissions: '{"permissions": {},}' },
      /^config\/permissions\.json:1:20 not valid JSON.* → Write it as JSON/,
    ],
    [
      { permissions: '{"permissions": {"a": {}, "a": {}}}' },
      /^config\/permissions\.json:1:27 Map keys must be unique/,
    ],
    [
      { permissions: '{"permissions": {"alice": {"can_message": "bob"}}}' },
      /"permissions\.alice\.can_message" is "bob" → Write a list/,
    ],
    [{ permissions: 'permissions: {}' }, /not valid JSON/],
  ];
  for (const [files, expected] of cases) assert.match(problems(files)[0] ?? '', expected);
});

test('mistakes of all files are reported together', () => {
  const found = problems({
    mesh: 'msh: {}\nbudget: { daily_usd: -1 }\n',
    agents: 'agents:\n  a: { rol: x, thinking: hard }\n',
    permissions: '{"permissions": {"a": {"x": 1}}}',
  });
  assert.equal(found.length, 5);
});

test('a missing file says how to make it', () => {
  load({});
  rmSync(`${home}/config/agents.yaml`);
  const loaded = loadConfig(home);
  assert.ok(!loaded.ok);
  assert.match(loaded.problems[0]?.remedy ?? '', /\.\/openlegion start/);
});

test('permissions and targets that name nobody are warnings', () => {
  const loaded = load({
    permissions: '{"permissions": {"alcie": {}, "bob": {"can_message": ["alise", "*", "alice"]}}}',
  });
  assert.ok(loaded.ok);
  assert.deepEqual(
    loaded.warnings.map(({ message, remedy }) => `${message} ${remedy}`),
    [
      'permissions for "alcie", and there is no such agent Did you mean "alice"?',
      'can_message names "alise", and there is no such agent Did you mean "alice"?',
    ],
  );
});

test('files made to exhaust the parser are refused', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`),
    'agents: *i',
  ].join('\n');
  for (const agents of [
    bomb,
    '['.repeat(100_000),
    '{a: '.repeat(100_000),
    '- '.repeat(100_000),
    '? '.repeat(20_000),
    Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    `agents: ${'x'.repeat(2_000_000)}`,
    `agents:\n${Array.from({ length: 60 }, (_, index) => `  a${index}: *missing`).join('\n')}`,
    'agents:\n  <<: { a: {} }\n',
    'agents:\n  a: {}\n---\nagents: {}\n',
  ]) {
    assert.ok(problems({ agents }).length > 0);
  }
});
