import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ApprovalList, ApprovalView } from '@openlegion/contract/control-approvals';
import { ApprovalGiven } from '@openlegion/contract/mesh-api';
import type { FakeTurn } from '../fleet/test/fake-backend.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import type { Answer } from '../test/answer.ts';
import { startWorkflowHost, type WorkflowHost } from '../workflow/test/workflow-host.ts';

/** Runs `work` as the program in careful's container; what it answers is the result. */
async function inTurn<T>(
  work: (turn: FakeTurn, host: () => WorkflowHost) => Promise<T>,
  options: { mesh?: object; during?: (host: WorkflowHost) => Promise<void> } = {},
): Promise<{ result: T; host: WorkflowHost; messageId: string } & AsyncDisposable> {
  const outcome = Promise.withResolvers<T>();
  const given = Promise.withResolvers<WorkflowHost>();
  const host = await startWorkflowHost({
    workflows: {},
    ...(options.mesh ? { mesh: options.mesh } : {}),
    async turn(turn) {
      if (turn.agent !== 'careful') return turn.end('ok');
      const opened = await given.promise;
      await work(turn, () => opened).then(outcome.resolve, outcome.reject);
      turn.end('ok');
    },
  });
  given.resolve(host);
  await using onFailure = new AsyncDisposableStack();
  onFailure.use(host);
  const { messageId } = await host.fixture.send('careful', 'go');
  const [result] = await Promise.all([outcome.promise, options.during?.(host)]);
  onFailure.move();
  return { result, host, messageId, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
}

const ask = (turn: FakeTurn, tool: string, given: unknown, key = 'k'): Promise<Answer> =>
  askMesh(turn.mesh, 'POST', '/mesh/approvals', { tool, arguments: JSON.stringify(given), key });

/** The question that waits, once there is one. */
async function pending({ fixture }: WorkflowHost): Promise<ApprovalView> {
  for (;;) {
    const { approvals } = (await fixture.ask('GET', '/api/approvals?status=pending')).as(ApprovalList);
    const [first] = approvals;
    if (first) return (await fixture.ask('GET', `/api/approvals/${first.id}`)).as(ApprovalView);
    await setTimeout(5);
  }
}

async function answer(host: WorkflowHost, approve: boolean, changes: object = {}): Promise<Answer> {
  const { id, hash } = await pending(host);
  return host.fixture.ask('POST', `/api/approvals/${id}/answer`, {
    approve,
    hash,
    note: 'because',
    ...changes,
  });
}

test('an agent asks, sees nothing until a person answered, and is told who did and what the hash is of', async () => {
  await using opened = await inTurn((turn) => ask(turn, 'exec', { command: 'ls' }), {
    async during(host) {
      const { subject, kind, asker } = await pending(host);
      assert.deepEqual([kind, asker], ['tool', 'careful']);
      assert.equal(subject, '{"agent":"careful","arguments":{"command":"ls"},"tool":"exec"}');
      assert.equal((await answer(host, true, { hash: 'f'.repeat(64) })).status, 409);
      assert.equal((await answer(host, true)).status, 200);
    },
  });
  const { result, host } = opened;
  const { by, hash } = result.as(ApprovalGiven);
  assert.equal(by, 'operator');
  assert.match(hash, /^[0-9a-f]{64}$/);
  const types = (await host.fixture.audit()).map(({ type }) => type);
  assert.ok(types.indexOf('approval.asked') < types.indexOf('approval.approved'));
});

test('no is told with the note; a tool that is allowed needs nobody; one that is denied is not asked about', async () => {
  await using opened = await inTurn(
    async (turn) => ({
      denied: await ask(turn, 'exec', { command: 'rm' }),
      allowed: await ask(turn, 'read_file', { path: 'x' }),
      unlisted: await ask(turn, 'write_file', { path: 'x' }),
    }),
    { during: async (host) => void (await answer(host, false)) },
  );
  const { result } = opened;
  assert.equal(result.denied.refusal().rule, 'approval.denied');
  assert.match(result.denied.refusal().message, /operator said no: because/);
  assert.equal(result.allowed.as(ApprovalGiven).by, 'rule permissions.careful.allowed_tools');
  assert.equal(result.unlisted.refusal().rule, 'permissions.careful.allowed_tools');
});

test('nobody named means no, and the agent is not offered the tool', async () => {
  await using opened = await inTurn((turn) => ask(turn, 'exec', { command: 'ls' }), {
    mesh: { approvals: { approvers: [] } },
  });
  const { result, host } = opened;
  assert.equal(result.refusal().rule, 'approval.no_approver');
  const { start } = host.fixture.backend.sandboxes[0] ?? {};
  assert.deepEqual(start?.tools, ['read_file']);
});

test('a hand-off set to ask is refused by the mesh without an approval of exactly it, whatever runs in the container', async () => {
  const handOff = (turn: FakeTurn, task: string, idempotencyKey: string) =>
    askMesh(turn.mesh, 'POST', '/mesh/handoff', { to: 'worker', task, idempotencyKey });
  await using opened = await inTurn(
    async (turn) => {
      const before = await handOff(turn, 'do it', '1');
      await ask(turn, 'hand_off', { to: 'worker', task: 'do it' });
      return {
        before,
        other: await handOff(turn, 'do something else', '1'),
        first: await handOff(turn, 'do it', '2'),
        repeated: await handOff(turn, 'do it', '2'),
        second: await handOff(turn, 'do it', '3'),
      };
    },
    { during: async (host) => void (await answer(host, true)) },
  );
  const { result } = opened;
  assert.equal(result.before.refusal().rule, 'approval.required');
  assert.equal(result.other.refusal().rule, 'approval.required');
  assert.equal(result.first.status, 200);
  assert.equal(result.repeated.text, result.first.text);
  assert.equal(result.second.refusal().rule, 'approval.required');
});

test('a host is asked for once, by name, and a no holds for a day; what is reached already needs nobody', async () => {
  const egress = (turn: FakeTurn, host: unknown, key: string) => ask(turn, 'egress', { host }, key);
  await using opened = await inTurn(
    async (turn, opened) => {
      const first = egress(turn, 'api.example.com', '1');
      const again = egress(turn, 'api.example.com', '2');
      const wrong = [
        '127.0.0.1',
        'localhost',
        '*.example.com',
        '169.254.169.254',
        'EXAMPLE.com',
        7,
        'a.bc:0',
      ];
      wrong.push('a.bc:65536', 'metadata.google.internal', 'metadata.goog:443');
      const refused: Answer[] = [];
      for (const name of wrong) refused.push(await egress(turn, name, `w${name}`));
      const both = await Promise.all([first, again]);
      const denied = await egress(turn, 'api.example.com', '3');
      const many = ['b', 'c', 'd', 'e', 'f'].map((name) => egress(turn, `${name}.example.com`, name));
      many.map((one) => one.catch(() => {}));
      for (;;) {
        const { approvals } = (await opened().fixture.ask('GET', '/api/approvals?status=pending')).as(
          ApprovalList,
        );
        if (approvals.length === 5) break;
        await setTimeout(5);
      }
      return { refused, both, denied, beyond: await egress(turn, 'g.example.com', 'g') };
    },
    {
      async during(host) {
        const { subject, what, kind } = await pending(host);
        assert.deepEqual([kind, what], ['egress', 'api.example.com']);
        assert.equal(subject, '{"agent":"careful","allowed_domains":{"add":"api.example.com"}}');
        await answer(host, false);
      },
    },
  );
  const { result, host } = opened;
  for (const refused of result.refused) assert.equal(refused.refusal().rule, 'approval.host');
  for (const one of [...result.both, result.denied]) assert.equal(one.refusal().rule, 'approval.denied');
  assert.equal(result.beyond.refusal().rule, 'approval.pending');
  const { approvals } = (await host.fixture.ask('GET', '/api/approvals')).as(ApprovalList);
  assert.equal(approvals.filter(({ what }) => what === 'api.example.com').length, 1);
});

test('a turn that is over leaves nothing behind that could be approved, and outside of one nobody is asked', async () => {
  let kept: FakeTurn | undefined;
  await using opened = await inTurn(async (turn, opened) => {
    kept = turn;
    // Left running by the turn: nobody waits for it.
    ask(turn, 'exec', { command: 'ls' }).catch(() => {});
    await pending(opened());
  });
  const { host, messageId } = opened;
  await host.fixture.trace(messageId);
  const { approvals } = (await host.fixture.ask('GET', '/api/approvals')).as(ApprovalList);
  assert.deepEqual(
    approvals.map(({ status }) => status),
    ['withdrawn'],
  );
  assert.ok(kept);
  assert.equal((await ask(kept, 'exec', { command: 'ls' }, 'late')).refusal().rule, 'approval.no_turn');
});

test('a step that asks waits, is shown with its definition and input, and runs what was approved', async () => {
  const done: string[] = [];
  await using host = await startWorkflowHost({
    workflows: {
      gate: 'name: gate\nsteps:\n  - { id: send, agent: worker, task_type: send, requires_approval: true, input_from: trigger.payload }\n',
    },
    turn(turn) {
      done.push(turn.text);
      turn.end('sent');
    },
  });
  await host.accept('gate');
  const { run } = await host.run('gate', { to: 'ann' });
  const { kind, asker, subject } = await pending(host);
  assert.deepEqual([kind, asker], ['step', 'workflow:gate']);
  assert.match(subject, new RegExp(`"input":{"to":"ann"}.*"hash":"${run.hash}"`));
  assert.deepEqual(done, []);
  assert.equal((await answer(host, true)).status, 200);
  const view = await host.over(run.id);
  assert.deepEqual([view.run.status, view.steps[0]?.state.approvedBy, done.length], ['done', 'operator', 1]);
});
