import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WorkflowList } from '@openlegion/contract/control-workflow';
import { Recording } from '@openlegion/contract/recording';
import { TraceView } from '@openlegion/contract/trace';
import { runOpenLegion } from './harness/command-line.ts';
import { removeVolumes } from './harness/remove-volumes.ts';

/** alice writes a file, counts its words and hands the number to bob, who keeps it. */
const SCRIPTS = {
  alice: {
    rules: [
      {
        when: { user: 'count' },
        answer: { calls: [{ tool: 'write_file', arguments: { path: 'a.txt', content: 'one two three' } }] },
      },
      {
        when: { tool: 'write_file' },
        answer: { calls: [{ tool: 'exec', arguments: { command: 'wc -w < a.txt' } }] },
      },
      {
        when: { tool: 'exec', result: '3' },
        answer: { calls: [{ tool: 'hand_off', arguments: { to: 'bob', task: 'Keep the number 3.' } }] },
      },
      { when: { tool: 'hand_off' }, answer: { text: 'Three words, and bob has it.' } },
    ],
    otherwise: { text: 'Noted.' },
  },
  bob: {
    rules: [
      {
        when: { user: 'Keep', round: 0 },
        answer: { calls: [{ tool: 'write_file', arguments: { path: 'n.txt', content: '3' } }] },
      },
    ],
    otherwise: { text: 'Kept.' },
  },
};

const PERMISSIONS = {
  alice: { allowed_apis: ['llm'], can_message: ['bob'], allowed_tools: { '*': 'allow' } },
  bob: { allowed_apis: ['llm'], allowed_tools: { write_file: 'allow' } },
};

const WORKFLOW = {
  name: 'tally',
  steps: [
    { id: 'one', agent: 'alice', task_type: 'tally', input_from: 'trigger.payload' },
    { id: 'two', agent: 'bob', task_type: 'store', input_from: 'one.result', depends_on: ['one'] },
  ],
};

describe('record and replay', { timeout: 300_000 }, () => {
  const home = mkdtempSync(join(tmpdir(), 'openlegion-record-'));
  const run = (...args: string[]) => runOpenLegion(home, args);
  const file = join(home, 'recording.json');

  before(async () => {
    mkdirSync(join(home, 'config/scripts'), { recursive: true });
    const write = (name: string, value: unknown) =>
      writeFileSync(join(home, 'config', name), JSON.stringify(value));
    write('mesh.yaml', { mesh: { port: 0 } });
    const agent = (name: string) => ({ model: `scripted/${name}`, resources: { cpu_limit: 1 } });
    write('agents.yaml', { agents: { alice: agent('alice'), bob: agent('bob') } });
    write('permissions.json', { permissions: PERMISSIONS });
    for (const [name, script] of Object.entries(SCRIPTS)) write(`scripts/${name}.yaml`, script);
    mkdirSync(join(home, 'config/workflows'));
    write('workflows/tally.yaml', WORKFLOW);
    const started = await run('start', '-d', '--yes');
    assert.equal(started.code, 0, started.shown);
  });

  after(async () => {
    await run('stop');
    await removeVolumes(home);
    rmSync(home, { recursive: true, force: true });
  });

  test('a run is recorded, and played again it is the same', async () => {
    const said = await run('chat', 'alice', 'count the words');
    assert.equal(said.code, 0, said.shown);
    const shown = await run('trace', 'show', '--json');
    const view = TraceView.parse(JSON.parse(shown.stdout));
    assert.deepEqual(
      view.spans.filter(({ kind }) => kind === 'tool').map(({ name, status }) => [name, status]),
      [
        ['write_file', 'ok'],
        ['exec', 'ok'],
        ['hand_off', 'ok'],
        ['write_file', 'ok'],
      ],
    );
    assert.ok(view.summary.costMicroUsd > 0 && view.summary.inputTokens > 0);

    const recorded = await run('record', '--out', file);
    assert.equal(recorded.code, 0, recorded.shown);
    const { messages } = Recording.parse(JSON.parse(readFileSync(file, 'utf8')));
    assert.ok(messages.every(({ rounds }) => rounds !== null && rounds.length > 0));

    const replayed = await run('replay', file);
    assert.equal(replayed.code, 0, replayed.shown);
    assert.match(replayed.stdout, /✓ as recorded/);
  });

  test('a run of a workflow is recorded, and played again it is the same, until a step of it fails', async () => {
    const listed = WorkflowList.parse(JSON.parse((await run('workflow', 'list', '--json')).stdout));
    assert.equal((await run('workflow', 'accept', listed.workflows[0]?.hash ?? '')).code, 0);
    const ran = await run('workflow', 'run', 'tally', '--payload', '{"of":"words"}', '--wait');
    assert.equal(ran.code, 0, ran.shown);
    const runFile = join(home, 'run.json');
    assert.equal((await run('record', '--out', runFile)).code, 0);
    const { runs, messages } = Recording.parse(JSON.parse(readFileSync(runFile, 'utf8')));
    assert.deepEqual(runs, [{ workflow: 'tally', payload: { of: 'words' }, first: true, status: 'done' }]);
    assert.equal(messages.length, 2);
    const replayed = await run('replay', runFile);
    assert.equal(replayed.code, 0, replayed.shown);
    assert.match(replayed.stdout, /✓ workflow {2}end of the run/);
    assert.equal((await run('permissions', 'revoke', 'bob', 'allowed_apis', 'llm')).code, 0);
    const failed = await run('replay', runFile);
    assert.equal(failed.code, 1, failed.shown);
    assert.match(
      failed.stdout,
      /✗ workflow {2}end of the run\n +recorded +tally: done\n +now +tally: failed/,
    );
    assert.equal((await run('permissions', 'grant', 'bob', 'allowed_apis', 'llm')).code, 0);
    rmSync(join(home, 'config/workflows/tally.yaml'));
    const gone = await run('replay', runFile);
    assert.equal(gone.code, 1);
    assert.match(gone.shown, /tally is no longer in config\/workflows.*\n.*--agent/);
    assert.equal((await run('replay', runFile, '--agent', 'bob')).code, 0);
  });

  test('a grant that is gone shows as a difference, and the fleet itself was not touched by the play', async () => {
    assert.equal((await run('permissions', 'revoke', 'alice', 'can_message', 'bob')).code, 0);
    const replayed = await run('replay', file);
    assert.equal(replayed.code, 1, replayed.shown);
    assert.match(replayed.stdout, /✗ alice {2}round 3: hand_off/);
    assert.match(replayed.stdout, /now +refused/);
    const alone = await run('replay', file, '--agent', 'bob');
    assert.equal(alone.code, 0, alone.shown);
    const { stdout } = await run('trace', 'list', '--json');
    assert.equal(JSON.parse(stdout).length, 2);
  });
});
