import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineSearch } from './find-engine.ts';
import { installEngine } from './install-engine.ts';
import type { Machine } from './machine.ts';

const MISSING: EngineSearch = {
  found: false,
  reason: 'none',
  refusal: { code: 'unavailable', rule: 'engine.none', message: 'No engine', remedy: 'Install one' },
};
const FOUND: EngineSearch = { found: true, address: { kind: 'unix', path: '/s' }, source: '/s' };
const DEBIAN = 'ID=debian\nVERSION_ID="12"\n';

/** A machine that only remembers what it was asked. `codes` are exit codes by the first words of a command. */
function machineOf(options: {
  uid?: number;
  release?: string;
  platform?: NodeJS.Platform;
  files?: string[];
  codes?: Record<string, number[]>;
  startsAfter?: number;
  missing?: EngineSearch;
}) {
  const commands: string[] = [];
  const files = new Set(['/usr/bin/apt-get', ...(options.files ?? [])]);
  const codes = new Map(Object.entries(options.codes ?? {}));
  let running = false;
  const machine: Machine = {
    platform: options.platform ?? 'linux',
    uid: options.uid ?? 0,
    exists: async (path) => files.has(path),
    read: async (path) => (path === '/etc/os-release' ? (options.release ?? DEBIAN) : 'it says why\n'),
    async run(command) {
      const text = command.join(' ');
      commands.push(text);
      const [, scripted] = [...codes].find(([words]) => text.includes(words)) ?? [];
      const code = scripted?.shift() ?? 0;
      if (code === 0 && text.includes('apt-get install')) files.add('/usr/sbin/dockerd');
      if (code === 0 && text.includes('systemctl start docker')) running = true;
      return { code, output: '', lastLines: code === 0 ? [] : ['E: it failed'] };
    },
    detach(command) {
      commands.push(`detached ${command.join(' ')}`);
      running = options.startsAfter !== -1;
      return { ended: running ? new Promise(() => {}) : Promise.resolve() };
    },
    wait: async () => {},
  };
  const asked: string[] = [];
  const install = (yes = true) =>
    installEngine({
      machine,
      find: async () => (running ? FOUND : (options.missing ?? MISSING)),
      confirm: async (question) => {
        asked.push(question);
        return yes;
      },
      onProgress: () => {},
      signal: AbortSignal.timeout(10_000),
    });
  return { install, commands, asked };
}

describe('installEngine', () => {
  test('as root without systemd: installs, starts dockerd, asks nothing', async () => {
    const { install, commands, asked } = machineOf({});
    assert.deepEqual(await install(), FOUND);
    assert.match(
      commands[0] ?? '',
      /^\/usr\/bin\/env DEBIAN_FRONTEND=noninteractive .*apt-get install -y .*docker\.io/,
    );
    assert.match(commands.at(-1) ?? '', /^detached \/usr\/sbin\/dockerd/);
    assert.deepEqual(asked, []);
  });

  test('an engine that was named is neither installed nor started in its place', async () => {
    const missing: EngineSearch = { ...MISSING, reason: 'named_not_running' };
    const { install, commands, asked } = machineOf({ missing });
    assert.deepEqual(await install(), missing);
    assert.deepEqual(commands, []);
    assert.deepEqual(asked, []);
  });

  test('refreshes the package lists only when the installation fails without', async () => {
    const { install, commands } = machineOf({ codes: { 'apt-get install': [100, 0] } });
    assert.deepEqual(await install(), FOUND);
    assert.equal(commands.filter((command) => command.includes('apt-get update')).length, 1);
  });

  test('with systemd it is systemd that starts it', async () => {
    const { install, commands } = machineOf({ files: ['/run/systemd/system'] });
    assert.deepEqual(await install(), FOUND);
    assert.equal(commands.at(-1), 'systemctl start docker');
  });

  test('an engine that is installed is only started', async () => {
    const { install, commands } = machineOf({ files: ['/usr/sbin/dockerd'] });
    assert.deepEqual(await install(), FOUND);
    assert.ok(!commands.some((command) => command.includes('apt-get')));
  });

  test('as a user: only with passwordless sudo, and only after a yes', async () => {
    const agreed = machineOf({ uid: 1000 });
    assert.deepEqual(await agreed.install(), FOUND);
    assert.equal(agreed.asked.length, 1);
    assert.ok(
      agreed.commands.every((command) => /^(?:detached )?sudo -n /.test(command)),
      agreed.commands.join('\n'),
    );

    const refused = machineOf({ uid: 1000 });
    const no = await refused.install(false);
    assert.ok(!no.found);
    assert.deepEqual(refused.commands, ['sudo -n true']);

    const locked = machineOf({ uid: 1000, codes: { 'sudo -n true': [1] } });
    const search = await locked.install();
    assert.ok(!search.found);
    assert.deepEqual(locked.asked, []);
    assert.match(search.refusal.remedy, /sudo apt-get update && sudo apt-get install -y docker\.io/);
  });

  test('elsewhere it changes nothing and says what to do there', async () => {
    for (const [platform, release, remedy] of [
      ['darwin', '', /Docker Desktop/],
      ['linux', 'ID=fedora\n', /dnf install/],
      ['linux', 'ID=arch\n', /pacman/],
      ['linux', 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', /zypper/],
      ['linux', 'ID=nixos\n', /package manager/],
    ] as const) {
      const { install, commands } = machineOf({ platform, release });
      const search = await install();
      assert.ok(!search.found);
      assert.match(search.refusal.remedy, remedy);
      assert.deepEqual(commands, []);
    }
  });

  test('a failed installation is said with apt’s own last lines', async () => {
    const search = await machineOf({ codes: { 'apt-get install': [100, 100] } }).install();
    assert.ok(!search.found);
    assert.match(search.refusal.message, /E: it failed/);
  });

  test('a dockerd that ends at once is said with its log', async () => {
    const search = await machineOf({ files: ['/usr/sbin/dockerd'], startsAfter: -1 }).install();
    assert.ok(!search.found);
    assert.match(search.refusal.message, /it says why/);
    assert.match(search.refusal.remedy, /openlegion-dockerd\.log/);
  });
});
