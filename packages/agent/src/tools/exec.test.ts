import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runTool } from '../testing/run-tool.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { createExec } from './exec.ts';
import { createOutputFiles } from './output-files.ts';

function rig(workspace: string) {
  const outputs = createOutputFiles(`${workspace}/out`);
  return createExec({
    workspace,
    environment: { GITHUB_TOKEN: 'olp_0' },
    capture: ({ messageId, callId }) => outputs.capture(messageId, callId),
  });
}

test('gives back output, errors and exit code, from the workspace', async () => {
  using directory = temporaryDirectory();
  const well = await runTool(rig(directory.path), { command: 'pwd; echo problem >&2' });
  assert.equal(well.outcome, 'ok');
  assert.ok(well.output.includes(directory.path));
  assert.match(well.output, /problem\n[\s\S]*\[exit code 0\]/);
  const seen = await runTool(rig(directory.path), { command: 'echo $HTTPS_PROXY $GITHUB_TOKEN' });
  assert.match(seen.output, /^http:\/\/127\.0\.0\.1:3128 olp_0\n/);
  const badly = await runTool(rig(directory.path), { command: 'exit 7' });
  assert.deepEqual(badly, { outcome: 'error', output: '[exit code 7]' });
  const killed = await runTool(rig(directory.path), { command: 'kill -9 $$' });
  assert.deepEqual(killed, { outcome: 'error', output: '[killed by SIGKILL]' });
});

test('sees nothing of the agent’s environment, input or descriptors', async () => {
  using directory = temporaryDirectory();
  process.env.NODE_OPTIONS_CANARY = 'canary';
  const { output } = await runTool(rig(directory.path), { command: 'env; cat; ls -l /proc/self/fd' });
  delete process.env.NODE_OPTIONS_CANARY;
  assert.doesNotMatch(output, /canary/);
  assert.match(output, / 0 -> \/dev\/null/);
  assert.doesNotMatch(output, /agent\.db/);
});

test('at the time limit the whole group is killed, and what was printed is kept', async () => {
  using directory = temporaryDirectory();
  const command = 'echo begun; (trap "" TERM; echo $BASHPID > child; exec sleep 1000) & wait';
  const result = await runTool(rig(directory.path), { command, timeout_s: 1 });
  assert.equal(result.outcome, 'error');
  assert.match(result.output, /begun[\s\S]*killed after 1 s/);
  const child = readFileSync(`${directory.path}/child`, 'utf8').trim();
  const status = existsSync(`/proc/${child}/status`) ? readFileSync(`/proc/${child}/status`, 'utf8') : 'gone';
  assert.match(status, /gone|State:\tZ/);
});

test('a cancel kills it', async () => {
  using directory = temporaryDirectory();
  const controller = new AbortController();
  const running = runTool(rig(directory.path), { command: 'sleep 1000' }, controller.signal);
  controller.abort();
  assert.equal((await running).outcome, 'cancelled');
});

test('does not wait for what a command leaves running', async () => {
  using directory = temporaryDirectory();
  const result = await runTool(rig(directory.path), { command: 'setsid sleep 5 & echo left', timeout_s: 60 });
  assert.match(result.output, /left\n\[exit code 0\]/);
});

test('shows the start and the end of a flood, and keeps the whole', async () => {
  using directory = temporaryDirectory();
  const { output } = await runTool(rig(directory.path), { command: 'seq 1 200000' });
  assert.ok(output.length < 30_500);
  assert.match(output, /^1\n2\n3\n/);
  assert.match(output, /199999\n200000\n/);
  const kept = /the whole is in (\S+)\]/.exec(output)?.[1] ?? '';
  assert.equal(readFileSync(kept, 'utf8').length, 1_288_895);
});

test('refuses arguments that it does not know, and time limits beyond its bound', async () => {
  using directory = temporaryDirectory();
  const tool = rig(directory.path);
  for (const input of [
    {},
    { command: '' },
    { command: 1 },
    { command: 'ls', cwd: '/' },
    { command: 'ls', timeout_s: 601 },
    ['ls'],
  ]) {
    assert.match((await runTool(tool, input)).output, /wrong arguments/);
  }
});
