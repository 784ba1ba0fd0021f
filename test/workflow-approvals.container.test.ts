import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ApprovalList, type ApprovalSummary } from '@openlegion/contract/control-approvals';
import { configPaths } from '@openlegion/contract/installation';
import { runOpenLegion } from './harness/command-line.ts';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { standInSupervisor } from './harness/stand-in-supervisor.ts';

/* A tool that is set to `ask`, and a host that is asked for: an agent in its container, a person at the command line. */

const SCRIPT = `
rules:
  - when: { user: '/^run (.+)$/s', round: 0 }
    answer: { calls: [{ tool: exec, arguments: { command: '{{1}}' } }] }
  - when: { tool: exec }
    answer: { text: 'RESULT {{result}}' }
otherwise: { text: 'what?' }
`;
const ASK_FOR_HOST = `curl -sS http://127.0.0.1:8400/mesh/approvals -H 'content-type: application/json' -d '{"tool": "egress", "arguments": "{\\"host\\": \\"api.example.com\\"}", "key": "1"}'`;

async function pending({ control }: TestInstallation, kind: string): Promise<ApprovalSummary> {
  for (;;) {
    const listed = ApprovalList.parse((await control.call('GET', '/api/approvals?status=pending')).json());
    const found = listed.approvals.find((approval) => approval.kind === kind);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('what an agent asks is shown whole at the command line, and runs after a yes alone', {
  timeout: 180_000,
}, async () => {
  await using installation = await startInstallation({
    agents:
      'agents:\n  careful: { model: scripted/a, resources: { disk_limit: 16m } }\n  free: { model: scripted/a, resources: { disk_limit: 16m } }\n',
    permissions: {
      permissions: {
        careful: { allowed_apis: ['llm'], allowed_tools: { exec: 'ask' } },
        free: { allowed_apis: ['llm'], allowed_tools: { exec: 'allow' } },
      },
    },
    scripts: { a: SCRIPT },
  });
  using _supervisor = standInSupervisor(installation);
  const { home, control } = installation;
  const openlegion = (...args: string[]) => runOpenLegion(home, args);

  const asked = control.ask('careful', 'run echo one\u200b two');
  const question = await pending(installation, 'tool');
  const shown = await openlegion('approvals', 'show', question.id);
  assert.match(shown.stdout, /│ arguments:\n│ {3}command: "echo one⟨U\+200B⟩ two"/, shown.shown);
  const blind = await openlegion('approvals', 'approve', question.id);
  assert.equal(blind.code, 1);
  const yes = await openlegion('approvals', 'approve', question.id, '--hash', question.hash);
  assert.equal(yes.stdout, 'approved by operator.\n', yes.shown);
  assert.match((await asked).view.reply ?? '', /RESULT one\u200b? two/);

  const denied = control.ask('careful', 'run rm -rf /data');
  const { id } = await pending(installation, 'tool');
  await openlegion('approvals', 'deny', id, '--note', 'never');
  assert.match((await denied).view.reply ?? '', /RESULT not run: operator said no: never/);

  const host = control.ask('free', `run ${ASK_FOR_HOST}`);
  const wish = await pending(installation, 'egress');
  assert.deepEqual([wish.asker, wish.what], ['free', 'api.example.com']);
  const allowed = await openlegion('approvals', 'approve', wish.id, '--hash', wish.hash);
  assert.match(allowed.stdout, /"api\.example\.com"/, allowed.shown);
  assert.match((await host).view.reply ?? '', /"by":"operator"/);
  const { permissions } = JSON.parse(readFileSync(configPaths(home).permissions, 'utf8'));
  assert.deepEqual(permissions.free.allowed_domains, ['api.example.com']);
});
