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
  - when: { user: '/^reach (.+)$/s', round: 0 }
    answer: { calls: [{ tool: request_host, arguments: { host: '{{1}}' } }] }
  - when: { tool: request_host }
    answer: { text: 'RESULT {{result}}' }
  - when: { tool: exec }
    answer: { text: 'RESULT {{result}}' }
otherwise: { text: 'what?' }
`;
async function pending({ control }: TestInstallation, kind: string): Promise<ApprovalSummary> {
  for (;;) {
    const listed = ApprovalList.parse((await control.call('GET', '/api/approvals?status=pending')).json());
    const found = listed.approvals.find((approval) => approval.kind === kind);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What breaks off because the test has failed elsewhere is not what is told. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
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
        free: { allowed_apis: ['llm'], allowed_tools: { request_host: 'allow' } },
      },
    },
    scripts: { a: SCRIPT },
  });
  using _supervisor = standInSupervisor(installation);
  const { home, control } = installation;
  const openlegion = (...args: string[]) => runOpenLegion(home, args);

  const asked = quietly(control.ask('careful', 'run echo one two'));
  const question = await pending(installation, 'tool');
  const shown = await openlegion('approvals', 'show', question.id);
  assert.match(shown.stdout, /│ arguments:\n│ {3}command: "echo one two"/, shown.shown);
  const blind = await openlegion('approvals', 'approve', question.id);
  assert.equal(blind.code, 1);
  const yes = await openlegion('approvals', 'approve', question.id, '--hash', question.hash);
  assert.equal(yes.stdout, 'approved by operator.\n', yes.shown);
  assert.match((await asked).view.reply ?? '', /RESULT one two/);

  const denied = quietly(control.ask('careful', 'run rm -rf /data'));
  const { id } = await pending(installation, 'tool');
  await openlegion('approvals', 'deny', id, '--note', 'never');
  assert.match((await denied).view.reply ?? '', /RESULT not run: operator said no: never/);

  const host = quietly(control.ask('free', 'reach api.example.com'));
  const wish = await pending(installation, 'egress');
  assert.deepEqual([wish.asker, wish.what], ['free', 'api.example.com']);
  const allowed = await openlegion('approvals', 'approve', wish.id, '--hash', wish.hash);
  assert.match(
    allowed.stdout,
    /^free may reach api\.example\.com: it stands in config\/permissions\.json/m,
    allowed.shown,
  );
  assert.match((await host).view.reply ?? '', /RESULT operator said yes to api\.example\.com/);
  const { permissions } = JSON.parse(readFileSync(configPaths(home).permissions, 'utf8'));
  assert.deepEqual(permissions.free.allowed_domains, ['api.example.com']);
});
