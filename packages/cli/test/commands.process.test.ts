import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCommand } from './run-command.ts';

const FAKE = resolve(import.meta.dirname, 'fakes/supervisor-and-host.ts');

function temporaryHome(context: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'openlegion-cli-'));
  context.after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

async function runningHome(context: TestContext) {
  const home = temporaryHome(context);
  const fake = spawn(process.execPath, [FAKE, home], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(fake, 'exit');
  context.after(async () => {
    fake.stdin.end();
    await exited;
  });
  await once(fake.stdout, 'data');
  return { home, fake, exited };
}

test('a wrong call exits with 2 and says what there is', async () => {
  const unknown = await runCommand(['statsu']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /unknown command 'statsu'\s+\(Did you mean status\?\)/);
  assert.equal((await runCommand(['chat'])).code, 2);
  const help = await runCommand(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.out, /verify/);
});

test('commands that need a running fleet say how to start one', async (context) => {
  const home = temporaryHome(context);
  for (const args of [['status'], ['chat', 'assistant', 'hi'], ['costs'], ['vault', 'list'], ['verify']]) {
    const result = await runCommand([...args, '--home', home]);
    assert.equal(result.code, 1, args.join(' '));
    assert.match(result.err, /is not running for .*\n {2}Start it with \.\/openlegion start -d\./);
  }
  assert.deepEqual(await runCommand(['stop', '--home', home]), {
    code: 0,
    out: `OpenLegion is not running for ${home}.\n`,
    err: '',
  });
});

test('a first start without a terminal names the flags that are missing, and writes nothing', async (context) => {
  const home = temporaryHome(context);
  const result = await runCommand(['start', '-d', '--home', home, '--template', 'sales']);
  assert.equal(result.code, 1);
  assert.match(result.err, /missing: --provider\.\n.*--template sales --provider scripted --yes/);
  assert.equal(existsSync(join(home, 'config')), false);
  const wrong = await runCommand(['start', '--home', home, '--template', 'sails', '--provider', 'scripted']);
  assert.match(wrong.err, /no template "sails"[^\n]*\n {2}There are: starter, sales, devteam, content\./);
});

test('--config must be a file of a config directory', async (context) => {
  const home = temporaryHome(context);
  assert.match((await runCommand(['start', '--config', join(home, 'mesh.yaml')])).err, /does not exist/);
  writeFileSync(join(home, 'mesh.yaml'), '');
  assert.match(
    (await runCommand(['start', '--config', join(home, 'mesh.yaml')])).err,
    /not in a directory named "config"/,
  );
});

test('status and costs are tables for people and JSON for programs, and show no escape sequence of an agent', async (context) => {
  const { home } = await runningHome(context);
  const table = await runCommand(['status', '--home', home]);
  assert.equal(table.code, 0);
  assert.match(
    table.out,
    /assistant\s+helps \[31mred\s+idle\s+0\s+50 MiB\s+\$1\.234567 of \$5\.00\s+abcdef012345\s+scripted\/assistant/,
  );
  assert.equal(table.out.includes('\u001b'), false);
  assert.match(table.out, /cannot enforce here: disk_quota/);
  assert.equal(
    JSON.parse((await runCommand(['status', '--json', '--home', home])).out).agents[1].name,
    'second',
  );
  assert.match((await runCommand(['costs', '--home', home])).out, /assistant\s+\$1\.234567 of \$5\.00/);
  assert.equal(JSON.parse((await runCommand(['costs', '--json', '--home', home])).out).fleet.calls, 3);
});

test('an agent that there is not is an error that names those there are', async (context) => {
  const { home } = await runningHome(context);
  const result = await runCommand(['chat', 'asistant', 'hi', '--home', home]);
  assert.equal(result.code, 1);
  assert.equal(result.out, '');
  assert.match(result.err, /no agent named "asistant"\.\n {2}There are: assistant, second\./);
});

test('one message: the reply alone on standard output, once, though the stream broke in the middle', async (context) => {
  const { home } = await runningHome(context);
  const result = await runCommand(['chat', 'assistant', 'good', 'morning', '--home', home]);
  assert.equal(result.code, 0);
  assert.equal(result.out, 'You said: good morning]0;owned\nYou said: good morning\n');
  assert.match(result.err, /exec \{"command":"ls"\}/);
  assert.match(result.err, /the host is away/);
});

test('a message from a pipe; one whose acceptance was lost is sent again with the same key', async (context) => {
  const { home } = await runningHome(context);
  const result = await runCommand(['chat', 'assistant', '--home', home], { input: 'lost\n' });
  assert.equal(result.code, 0);
  assert.match(result.out, /You said: lost/);
  const empty = await runCommand(['chat', 'assistant', '--home', home], { input: '' });
  assert.equal(empty.code, 1);
  assert.match(empty.err, /no message/);
});

test('a refused message exits with 1 and says rule and remedy; --json gives every event once', async (context) => {
  const { home } = await runningHome(context);
  const refused = await runCommand(['chat', 'assistant', 'spend', '--home', home]);
  assert.equal(refused.code, 1);
  assert.match(
    refused.err,
    /The budget is spent\. \[budget\.assistant\.daily\]\n\s+Raise it in config\/agents\.yaml/,
  );
  assert.equal(refused.err.match(/The budget is spent/g)?.length, 1);
  const json = await runCommand(['chat', 'assistant', 'spend', '--json', '--home', home]);
  const seqs = json.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).seq);
  assert.deepEqual(seqs, [undefined, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(json.code, 1);
});

test('a conversation from a pipe: commands and messages in turn, mistakes explained, then the end', async (context) => {
  const { home } = await runningHome(context);
  const fakeTerminal = [
    '/help',
    '/use nobody',
    '/use second',
    '/steer',
    '/nope',
    '/cancel',
    '@assistant good day',
    '/costs',
    '/quit',
  ];
  const result = await runCommand(['chat', 'assistant', '--json', '--home', home], {
    input: fakeTerminal.join('\n'),
  });
  // On a pipe the whole input is one message; nothing in it is a command.
  assert.equal(result.code, 0);
  assert.match(result.out, /"text":"\/help\\n\/use nobody/);
});

test('stop ends what runs and waits for it', async (context) => {
  const { home, exited } = await runningHome(context);
  const result = await runCommand(['stop', '--home', home]);
  assert.deepEqual(result, { code: 0, out: 'Stopped.\n', err: '' });
  assert.deepEqual(await exited, [0, null]);
});

test('a credential in the environment is gone from every process before anything else happens', async (context) => {
  const home = temporaryHome(context);
  const canary = 'CANARY0123456789abcdef';
  const spy = join(home, 'spy.cjs');
  // Loaded into the process after it replaced itself, this shows what it holds then.
  writeFileSync(
    spy,
    `process.on('exit', () => require('node:fs').appendFileSync(${JSON.stringify(join(home, 'seen'))},
      process.argv[1] + ' ' + require('node:fs').readFileSync('/proc/self/environ', 'latin1').includes('CANARY') +
      ' ' + Object.values(process.env).some((v) => v.includes('CANARY')) + '\\n'));`,
  );
  const result = await new Promise<{ code: number | null }>((done) => {
    const child = spawn(
      process.execPath,
      ['--require', spy, resolve(import.meta.dirname, '../src/main.ts'), 'status', '--home', home],
      {
        env: {
          PATH: process.env.PATH ?? '',
          OPENLEGION_SYSTEM_OPENAI_API_KEY: canary,
          OPENLEGION_CRED_X: canary,
        },
        stdio: 'ignore',
      },
    );
    child.once('close', (code) => done({ code }));
  });
  assert.equal(result.code, 1);
  const seen = readFileSync(join(home, 'seen'), 'utf8').trim().split('\n');
  assert.equal(seen.length, 1);
  assert.match(seen[0] ?? '', /main\.ts false false$/);
  assert.equal(statSync(home).isDirectory(), true);
});
