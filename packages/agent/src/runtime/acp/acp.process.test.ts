import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import { createInterrupt } from '../../loop/interrupt.ts';
import type { MeshClient } from '../../pipe/pipe.ts';
import { temporaryDirectory } from '../../testing/turn-rig.ts';
import { ACP_AGENT } from '../test/acp-agent.ts';
import { endOf, programRig } from '../test/program-rig.ts';

const rigOf = (
  directory: string,
  more: Parameters<typeof programRig>[2] = {},
  env: Record<string, string> = {},
) =>
  programRig(
    directory,
    ({ program }) => ({ command: program('agent', ACP_AGENT), protocol: 'acp', env }),
    more,
  );
const types = (events: readonly TurnEvent[]) => events.map((event) => event.type);

test('text, thoughts and calls are told as they come; what is not of this session or no message is left out', async () => {
  using directory = temporaryDirectory();
  const rig = rigOf(directory.path);
  const events = await rig.run('m1', { text: 'think hm\nsay one\nplan\nelsewhere\ncall\nsay  two' });
  assert.deepEqual(
    events.map((event) => ('durationMs' in event ? { ...event, durationMs: 0 } : event)),
    [
      { type: 'turn_started', resumed: false },
      { type: 'reasoning_delta', text: 'hm' },
      { type: 'text_delta', text: 'one' },
      { type: 'tool_started', callId: 'call_1', tool: 'bash', arguments: '{"command":"id"}' },
      {
        type: 'tool_ended',
        callId: 'call_1',
        tool: 'bash',
        outcome: 'ok',
        preview: 'uid\nchanged a.txt',
        durationMs: 0,
      },
      { type: 'text_delta', text: ' two' },
      { type: 'turn_ended', status: 'complete', text: 'one two' },
    ],
  );
  const [capabilities] = readFileSync(`${rig.workspace}/log`, 'utf8').split('\n');
  assert.deepEqual(JSON.parse(capabilities ?? ''), {
    fs: { readTextFile: true, writeTextFile: true },
    terminal: false,
  });
});

test('one session for the conversation; a new one after a reset, and after the program’s end with what was said', async () => {
  using directory = temporaryDirectory();
  const rig = rigOf(directory.path, { systemPrompt: 'Be kind.' });
  assert.match(
    endOf(await rig.run('m1', { text: 'echo' })).text,
    /^Your instructions:\nBe kind\.\n\nThe message now:\necho$/,
  );
  assert.equal(endOf(await rig.run('m2', { text: 'session\necho' })).text, 's0session\necho');
  const died = endOf(await rig.run('m3', { text: 'die' }));
  assert.deepEqual([died.status, died.refusal?.rule], ['failed', 'runtime.failed']);
  assert.match(died.refusal?.message ?? '', /code 7/);
  const after = endOf(await rig.run('m4', { text: 'echo' }));
  assert.match(after.text, /The conversation so far:[\s\S]*User: die\n\nThe message now:\necho$/);
  rig.history.reset();
  assert.doesNotMatch(endOf(await rig.run('m5', { text: 'echo' })).text, /conversation so far/);
});

test('a permission is given where the tool that does the same is granted, and to this one call', async () => {
  using directory = temporaryDirectory();
  const granted = rigOf(directory.path, { tools: ['exec', 'mcp_*'] });
  const yes = '{"outcome":"selected","optionId":"y"}';
  const no = '{"outcome":"selected","optionId":"n"}';
  assert.equal(endOf(await granted.run('m1', { text: 'permission execute' })).text, yes);
  for (const kind of ['edit', 'fetch', 'other', 'made-up']) {
    assert.equal(endOf(await granted.run(`m-${kind}`, { text: `permission ${kind}` })).text, no, kind);
  }
  assert.equal(endOf(await granted.run('m2', { text: 'permission think' })).text, yes);
  using other = temporaryDirectory();
  // As of { '*': allow, exec: deny }.
  const all = rigOf(other.path, { tools: ['read_file', '*'] });
  assert.equal(endOf(await all.run('m0', { text: 'permission execute' })).text, no);
  assert.equal(endOf(await all.run('m1', { text: 'permission made-up' })).text, yes);
});

test('where allowed_tools says ask a person is asked about exactly what will run, and a no is a no', async () => {
  for (const approved of [true, false]) {
    using directory = temporaryDirectory();
    const asked: unknown[] = [];
    const mesh: MeshClient = {
      call: async ({ path, body }) => {
        asked.push([path, JSON.parse(String(body))]);
        const refusal = { code: 'denied', rule: 'approval.denied', message: 'no', remedy: 'none' };
        const answer = approved
          ? { id: 'a', by: 'eva', hash: 'h' }
          : { type: 'error', error: { type: 'openlegion_refusal', ...refusal } };
        return {
          status: approved ? 200 : 403,
          headers: {},
          body: Readable.from([Buffer.from(JSON.stringify(answer))]),
        };
      },
    };
    const rig = rigOf(directory.path, { tools: ['exec'], askFor: ['exec'], mesh });
    const { text } = endOf(await rig.run('m1', { text: 'permission execute' }));
    assert.equal(text, JSON.stringify({ outcome: 'selected', optionId: approved ? 'y' : 'n' }));
    assert.deepEqual(asked, [
      [
        '/mesh/approvals',
        { tool: 'exec', arguments: '{"title":"Do it","input":{"x":1}}', key: 'm1:permission_0' },
      ],
    ]);
  }
});

test('files are those of the workspace: nothing above it, and no link out of it', async () => {
  using directory = temporaryDirectory();
  const rig = rigOf(directory.path);
  const { workspace } = rig;
  writeFileSync(`${directory.path}/outside.txt`, 'secret');
  mkdirSync(`${workspace}/notes`);
  writeFileSync(`${workspace}/notes/a.txt`, 'one\ntwo\nthree');
  symlinkSync(directory.path, `${workspace}/link`);
  const ask = async (method: string, params: object) =>
    endOf(await rig.run(`m${Math.random()}`, { text: `ask ${method} ${JSON.stringify(params)}` })).text;
  assert.equal(
    await ask('fs/read_text_file', { path: `${workspace}/notes/a.txt` }),
    '{"content":"one\\ntwo\\nthree"};',
  );
  assert.equal(
    await ask('fs/read_text_file', { path: `${workspace}/notes/a.txt`, line: 2, limit: 1 }),
    '{"content":"two"};',
  );
  await ask('fs/write_text_file', { path: `${workspace}/new/b.txt`, content: 'written' });
  assert.equal(readFileSync(`${workspace}/new/b.txt`, 'utf8'), 'written');
  for (const path of [
    `${directory.path}/outside.txt`,
    `${workspace}/../outside.txt`,
    `${workspace}/link/outside.txt`,
    '/etc/passwd',
    'notes/a.txt',
    '',
  ]) {
    assert.match(await ask('fs/read_text_file', { path }), /^\{"code":-32000/, path);
    assert.match(await ask('fs/write_text_file', { path, content: 'x' }), /^\{"code":-32000/, path);
  }
  assert.equal(readFileSync(`${directory.path}/outside.txt`, 'utf8'), 'secret');
  assert.match(await ask('fs/read_text_file', { path: 1 }), /-32602/);
  assert.match(await ask('terminal/create', { command: 'id' }), /-32601/);
});

test('a cancel is told to the program, which goes on to be used; one that does not heed it is ended', async () => {
  using directory = temporaryDirectory();
  const rig = rigOf(directory.path);
  const cancel = async (messageId: string, text: string) => {
    const interrupt = createInterrupt();
    const onEvent = (event: TurnEvent) => {
      if (event.type === 'text_delta') interrupt.raise('cancelled');
    };
    return endOf(await rig.run(messageId, { text, interrupt, onEvent }));
  };
  assert.deepEqual(await cancel('m1', 'wait'), { type: 'turn_ended', status: 'cancelled', text: 'waiting' });
  assert.equal(endOf(await rig.run('m2', { text: 'session' })).text, 's0');
  assert.equal((await cancel('m3', 'wait deaf')).status, 'cancelled');
  const pids = readFileSync(`${rig.workspace}/log`, 'utf8').split('\n').length;
  assert.match(endOf(await rig.run('m4', { text: 'echo' })).text, /The conversation so far/);
  assert.equal(readFileSync(`${rig.workspace}/log`, 'utf8').split('\n').length, pids + 2);
});

test('ends that are no answer, another version, and a flood are failures that say why', async () => {
  using directory = temporaryDirectory();
  const rig = rigOf(directory.path);
  const refused = endOf(await rig.run('m1', { text: 'say half\nstop refusal' }));
  assert.deepEqual([refused.status, refused.text], ['failed', 'half']);
  assert.match(refused.refusal?.message ?? '', /declined/);
  rig.history.reset();
  const flood = await rig.run('m2', { text: 'flood' });
  assert.deepEqual([endOf(flood).refusal?.rule, types(flood).length], ['runtime.output', 3]);
  using other = temporaryDirectory();
  const old = endOf(await rigOf(other.path, {}, { VERSION: '7' }).run('m1'));
  assert.match(old.refusal?.message ?? '', /does not speak version 1/);
  using third = temporaryDirectory();
  const silent = programRig(third.path, () => ({ command: ['true'], protocol: 'acp' }));
  assert.match(endOf(await silent.run('m1')).refusal?.message ?? '', /ended \(code 0\)/);
});
