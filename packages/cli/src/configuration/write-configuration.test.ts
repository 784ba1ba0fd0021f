import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { parse } from 'yaml';
import { prepareDemoHome } from '../demo/demo-home.ts';
import { chooseFirstRun } from './choose-first-run.ts';
import { TEMPLATE_NAMES } from './providers.ts';
import { type FirstRunChoice, writeConfiguration } from './write-configuration.ts';

function write(context: TestContext, choice: FirstRunChoice) {
  const home = mkdtempSync(join(tmpdir(), 'openlegion-config-'));
  context.after(() => rmSync(home, { recursive: true, force: true }));
  writeConfiguration(home, choice);
  const text = (name: string) => readFileSync(join(home, 'config', name), 'utf8');
  return {
    home,
    mesh: MeshConfig.parse(parse(text('mesh.yaml'))),
    agents: AgentsConfig.parse(parse(text('agents.yaml'))),
    permissions: PermissionsConfig.parse(JSON.parse(text('permissions.json'))),
    scripts: readdirSync(join(home, 'config/scripts')),
  };
}

for (const template of TEMPLATE_NAMES) {
  test(`${template}: valid, every scripted model has its script, every grant names an agent that there is`, (context) => {
    const { agents, permissions, scripts, home } = write(context, { template, model: 'scripted/assistant' });
    for (const [name, agent] of Object.entries(agents.agents)) {
      assert.ok(scripts.includes(`${agent.model?.split('/')[1]}.yaml`), name);
      const granted = permissions.permissions[name];
      assert.ok(granted, name);
      assert.ok(granted.can_message.every((to) => to in agents.agents));
      assert.deepEqual([granted.allowed_credentials, granted.allowed_domains], [[], []]);
    }
    assert.equal(statSync(join(home, 'config/mesh.yaml')).mode & 0o077, 0);
  });

  test(`${template} with a real model: no agent is left on the scripted one`, (context) => {
    const { mesh, agents } = write(context, { template, model: 'anthropic/claude-haiku-4-5' });
    assert.equal(mesh.llm.default_model, 'anthropic/claude-haiku-4-5');
    for (const agent of Object.values(agents.agents)) assert.equal(agent.model, undefined);
  });
}

test("a server of the operator's own is written with its prices", (context) => {
  const custom = {
    baseUrl: 'http://127.0.0.1:11434/v1',
    needsKey: false,
    inputUsdPerMillion: 0,
    outputUsdPerMillion: 0.4,
  };
  const { mesh } = write(context, { template: 'starter', model: 'own/qwen3:8b', custom });
  assert.deepEqual(mesh.llm.providers.own?.models['qwen3:8b']?.output_usd_per_million, 400_000);
  assert.equal(mesh.llm.providers.own?.key, 'none');
});

test('a configuration that is there is never written over', (context) => {
  const { home } = write(context, { template: 'starter', model: 'scripted/assistant' });
  assert.throws(() => writeConfiguration(home, { template: 'sales', model: 'scripted/x' }), /EEXIST/);
});

test('the flags of the first run: complete, defaults with --yes, what is missing, what is wrong', () => {
  assert.deepEqual(chooseFirstRun({ template: 'sales', provider: 'scripted' }), {
    complete: true,
    choice: { template: 'sales', model: 'scripted/assistant' },
  });
  assert.deepEqual(chooseFirstRun({ provider: 'openai', model: 'gpt-4.1', yes: true }), {
    complete: true,
    choice: { template: 'starter', model: 'openai/gpt-4.1' },
  });
  const missing = (flags: Parameters<typeof chooseFirstRun>[0]) => {
    const decision = chooseFirstRun(flags);
    return decision.complete ? [] : decision.missing;
  };
  assert.deepEqual(missing({}), ['--template', '--provider']);
  assert.deepEqual(missing({ yes: true }), ['--provider']);
  assert.deepEqual(missing({ template: 'sales', provider: 'groq' }), ['--model']);
  assert.throws(() => chooseFirstRun({ template: 'x' }), /no template "x"/);
  assert.throws(() => chooseFirstRun({ provider: 'openai', model: 'a b' }), /not the name of a model/);
});

test("the demo empties only a demo's own home", (context) => {
  const { home } = write(context, { template: 'starter', model: 'scripted/assistant' });
  assert.throws(
    () => prepareDemoHome({ home, keep: false, model: 'scripted/x' }),
    /not empty and not the home/,
  );
  const fresh = join(home, 'demo');
  prepareDemoHome({ home: fresh, keep: false, model: 'scripted/x' });
  prepareDemoHome({ home: fresh, keep: false, model: 'scripted/x' });
  const agents = AgentsConfig.parse(parse(readFileSync(join(fresh, 'config/agents.yaml'), 'utf8')));
  assert.equal(agents.agents.outreach?.budget.daily_usd, 100_000);
  assert.equal(agents.agents.researcher?.budget.daily_usd, 1_000_000);
});
