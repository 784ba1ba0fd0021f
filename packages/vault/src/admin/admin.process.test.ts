import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { policyFor, reserveRequest } from '../keeper/test/open-keeper.ts';
import { openRaw, result } from '../keeper/test/raw-connection.ts';
import { startKeeper } from '../keeper/test/start-keeper.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const NAME = 'OPENLEGION_SYSTEM_OPENAI_API_KEY';
const ORIGIN = 'https://api.openai.com';
const VALUE = 'sk-ADMIN-7d1f0b';

/** Runs the program, with `input` on its standard input, and collects all that it prints. */
async function admin(args: string[], options: { input?: string; env?: Record<string, string> } = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env.PATH, ...options.env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += text;
    });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const [code] = await once(child, 'close');
  return { code, output };
}

async function releasedTo(keeper: Awaited<ReturnType<typeof startKeeper>>): Promise<unknown> {
  const host = await openRaw(keeper.paths.keeperHost);
  await result(host.call('policy', policyFor({ assistant: { daily: 1000 } })));
  const gateway = await openRaw(keeper.paths.keeperGateway);
  const answer = await result(gateway.call('reserve', reserveRequest({ credential: NAME })));
  return (answer as { secret: unknown }).secret;
}

test('a value from standard input is stored without its line end and is never printed', async () => {
  await using keeper = await startKeeper();
  const added = await admin(['add', NAME, '--run', keeper.home, '--origin', ORIGIN], { input: `${VALUE}\n` });
  assert.deepEqual(added, { code: 0, output: `Stored ${NAME}, version 1. It goes only to ${ORIGIN}.\n` });
  assert.equal(await releasedTo(keeper), VALUE);
  const listed = await admin(['list', '--json', '--run', keeper.home]);
  assert.equal(JSON.parse(listed.output).credentials[0].name, NAME);
  assert.match(
    (await admin(['list', '--run', keeper.home])).output,
    /NAME .*\nOPENLEGION_SYSTEM_OPENAI_API_KEY +models .*https:.* model calls/,
  );
  assert.equal((await admin(['remove', NAME, '--run', keeper.home])).code, 0);
  assert.equal((await admin(['remove', NAME, '--run', keeper.home])).code, 1);
});

test('what cannot be stored is said with a remedy and without the value', async () => {
  await using keeper = await startKeeper();
  const run = ['--run', keeper.home];
  const cases: [string[], string, number][] = [
    [['add', NAME, ...run], VALUE, 1],
    [['add', NAME, '--origin', 'http://evil.example', ...run], VALUE, 1],
    [['add', 'lower_case', '--origin', ORIGIN, ...run], VALUE, 1],
    [['add', NAME, '--origin', ORIGIN, ...run], '', 1],
    [['add', NAME, '--origin', ORIGIN, ...run], `${VALUE}\n${VALUE}`, 1],
    [['add', NAME, '--origin', ORIGIN, ...run], VALUE.repeat(2000), 1],
    [['add', NAME, VALUE, '--origin', ORIGIN, ...run], '', 2],
    [['add', NAME, `--value=${VALUE}`, ...run], '', 2],
    [['add', NAME], VALUE, 2],
    [['nonsense', ...run], '', 2],
    [['add', NAME, '--run', '/nonexistent', '--origin', ORIGIN], VALUE, 1],
  ];
  for (const [args, input, code] of cases) {
    const refused = await admin(args, { input });
    assert.equal(refused.code, code, `${args.join(' ')}: ${refused.output}`);
    assert.equal(refused.output.includes(VALUE), false);
    assert.ok(refused.output.trim().split('\n').length >= 2, 'a message and a remedy');
  }
  const names = await admin(['list', '--json', ...run]);
  assert.deepEqual(JSON.parse(names.output), { credentials: [] });
});

test('keys move from the environment and .env into the vault; what it refuses stays where it was', async () => {
  await using keeper = await startKeeper();
  const envFile = join(keeper.home, '.env');
  writeFileSync(
    envFile,
    `A=1\n${NAME}=from-file\nOPENLEGION_SYSTEM_UNBOUND=${VALUE}\nOPENLEGION_CRED_TOOL=${VALUE}\nOPENLEGION_CRED_BRAVE_SEARCH_API_KEY=${VALUE}\n`,
  );
  const args = [
    'import-env',
    '--run',
    keeper.home,
    '--env-file',
    envFile,
    '--bindings-json',
    JSON.stringify({ [NAME]: [ORIGIN] }),
  ];
  const moved = await admin(args, { env: { [NAME]: VALUE } });
  assert.equal(moved.code, 3);
  assert.equal(moved.output.includes(VALUE), false);
  assert.match(moved.output, /Left OPENLEGION_SYSTEM_UNBOUND where it is/);
  assert.match(moved.output, /BRAVE_SEARCH_API_KEY into the vault, for reading from brave-search/);
  assert.match(moved.output, /CRED_TOOL into .*\n.*nowhere yet: .\/openlegion vault bind tool --host/);
  assert.equal(readFileSync(envFile, 'utf8'), `A=1\nOPENLEGION_SYSTEM_UNBOUND=${VALUE}\n`);
  assert.equal(await releasedTo(keeper), VALUE, 'the environment wins');
});

test('canaries are made and removed, and the checkpoints come with their key', async () => {
  await using keeper = await startKeeper();
  const run = ['--run', keeper.home];
  const made = await admin([
    'canaries',
    '--prefix',
    'canarycanary',
    '--count',
    '2',
    '--origin',
    ORIGIN,
    ...run,
  ]);
  assert.deepEqual(JSON.parse(made.output).names, [
    'OPENLEGION_SYSTEM_VERIFY_CANARY_1',
    'OPENLEGION_SYSTEM_VERIFY_CANARY_2',
  ]);
  assert.equal(made.output.includes('canarycanary'), false);
  assert.match(
    JSON.parse((await admin(['checkpoints', '--json', ...run])).output).publicKeyPem,
    /BEGIN PUBLIC KEY/,
  );
  assert.deepEqual(JSON.parse((await admin(['remove-canaries', ...run])).output), { removed: 2 });
});

test('a tool is bound by a preset, shown, bound anew, rotated and removed, by its short name', async () => {
  await using keeper = await startKeeper();
  const run = ['--run', keeper.home];
  const added = await admin(['add', 'github', '--preset', 'github', ...run], { input: VALUE });
  assert.equal(added.code, 0, added.output);
  assert.match(added.output, /OPENLEGION_CRED_GITHUB, version 1. It goes only to api.github.com, github.com/);
  const listed = await admin(['list', ...run]);
  assert.match(listed.output, /CRED_GITHUB +tools +never +api.github.com, github.com +GET,HEAD /);
  const shown = await admin(['show', 'github', ...run]);
  assert.match(shown.output, /goes to github.com as authorization: Basic \(x-access-token:…\)\n +allows GET/);
  assert.match(shown.output, /denies \* \/repos\/\*\/\*\/keys\n/);

  const rules = ['--host', 'git.example', '--allow', 'POST /hooks'];
  assert.match(
    (await admin(['bind', 'github', ...rules, ...run])).output,
    /version 2. It goes only to git.example/,
  );
  const rotated = await admin(['rotate', 'github', ...run], { input: `${VALUE}2` });
  assert.match(rotated.output, /version 3/);
  const now = JSON.parse((await admin(['show', 'github', '--json', ...run])).output);
  assert.deepEqual([now.version, now.bindings.length, now.bindings[0].host], [3, 1, 'git.example']);
  assert.equal((await admin(['remove', 'github', ...run])).code, 0);
  for (const gone of [['show'], ['bind', '--host', 'git.example'], ['rotate']])
    assert.match(
      (await admin([...gone, 'github', ...run], { input: VALUE })).output,
      /There is no OPENLEGION_CRED/,
    );
  assert.equal(`${added.output}${listed.output}${shown.output}${rotated.output}`.includes(VALUE), false);
});

test('an export opens in another vault with its passphrase and in none without; no file is written over', async () => {
  await using keeper = await startKeeper();
  await using other = await startKeeper({ key: Buffer.alloc(32, 9) });
  const file = join(keeper.home, 'export.json');
  const passphrase = 'correct horse battery';
  await admin(['add', NAME, '--run', keeper.home, '--origin', ORIGIN], { input: VALUE });
  const weak = await admin(['export', file, '--run', keeper.home], { input: 'short' });
  assert.deepEqual([weak.code, existsSync(file)], [1, false], weak.output);
  const written = await admin(['export', file, '--run', keeper.home], { input: passphrase });
  assert.equal(written.code, 0, written.output);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const bytes = readFileSync(file, 'utf8');
  for (const form of [VALUE, Buffer.from(VALUE).toString('base64').slice(0, 18), NAME])
    assert.equal(bytes.includes(form), false);
  assert.match(
    (await admin(['export', file, '--run', keeper.home], { input: passphrase })).output,
    /not there yet/,
  );

  const wrong = await admin(['import', file, '--run', other.home], { input: 'another passphrase' });
  assert.equal(wrong.code, 1, wrong.output);
  const imported = await admin(['import', file, '--run', other.home], { input: passphrase });
  assert.equal(imported.output, `Took over ${NAME}.\n`);
  assert.equal(await releasedTo(other), VALUE);
  writeFileSync(file, '{"format":"other"}');
  assert.match((await admin(['import', file, '--run', other.home])).output, /not an export/);
});

test('a new key opens the store and the old one does not; what a cut-off rotation left is never written over', async () => {
  const home = mkdtempSync(join(tmpdir(), 'rotate-'));
  const path = join(home, 'vault.key');
  const keys: Buffer[] = [];
  {
    await using keeper = await startKeeper({ home });
    keys.push(readFileSync(path));
    await admin(['add', NAME, '--run', home, '--origin', ORIGIN], { input: VALUE });
    const rotate = ['rotate-key', '--run', home, '--key-file', path];
    writeFileSync(`${path}.new`, 'left');
    assert.match((await admin(rotate)).output, /left from a rotation/);
    assert.deepEqual([readFileSync(path), readFileSync(`${path}.new`, 'utf8')], [keys[0], 'left']);
    rmSync(`${path}.new`);
    const rotated = await admin(rotate);
    assert.equal(rotated.code, 0, rotated.output);
    keys.push(readFileSync(path));
    assert.notDeepEqual(keys[0], keys[1]);
    assert.deepEqual([statSync(path).mode & 0o777, existsSync(`${path}.new`)], [0o600, false]);
    await keeper.stop();
  }
  const [old, fresh] = keys;
  assert.ok(old && fresh);
  {
    await using locked = await startKeeper({ home, key: old });
    assert.equal(locked.report.ready, false);
  }
  {
    await using keeper = await startKeeper({ home, key: fresh });
    assert.equal(await releasedTo(keeper), VALUE);
  }
  rmSync(home, { recursive: true });
});

const onTerminal = { skip: existsSync('/usr/bin/script') ? false : 'needs script(1), to make a terminal' };

/** The program on a terminal of its own; what is typed is typed once the prompt is there. */
async function adminOnTerminal(run: string, typed: string) {
  const command = `${process.execPath} ${MAIN} add ${NAME} --run ${run} --origin ${ORIGIN}; echo "code=$?"; stty -a`;
  const child = spawn('/usr/bin/script', ['-qc', command, '/dev/null'], {
    env: { PATH: process.env.PATH, SHELL: '/bin/sh' },
  });
  let output = '';
  let asked = false;
  child.stdout.on('data', (text) => {
    output += text;
    if (asked || !output.includes('(not shown): ')) return;
    asked = true;
    child.stdin.write(typed);
  });
  await once(child, 'close');
  return output;
}

test(
  'on a terminal the value is not echoed and can be edited; the terminal is left as it was',
  onTerminal,
  async () => {
    await using keeper = await startKeeper();
    const output = await adminOnTerminal(keeper.home, `wrong\x15${VALUE}é\x7f\x1b[Dx\x7f\r`);
    assert.match(output, /Stored OPENLEGION_SYSTEM_OPENAI_API_KEY[\s\S]*code=0/);
    assert.equal(output.includes(VALUE) || output.includes('wrong'), false);
    assert.match(output, / echo[ ;]/);
    assert.equal(await releasedTo(keeper), VALUE);
  },
);

test('Ctrl-C at the prompt stores nothing and restores the terminal', onTerminal, async () => {
  await using keeper = await startKeeper();
  const output = await adminOnTerminal(keeper.home, `${VALUE}\x03`);
  assert.match(output, /code=130/);
  assert.match(output, / echo[ ;]/);
  assert.equal(output.includes(VALUE), false);
  assert.deepEqual(JSON.parse((await admin(['list', '--json', '--run', keeper.home])).output), {
    credentials: [],
  });
});
