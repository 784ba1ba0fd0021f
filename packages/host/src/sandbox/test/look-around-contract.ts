import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROGRAM_ENVIRONMENT } from '@openlegion/contract/program-environment';
import { z } from 'zod';
import { LOOK_AROUND } from './inside-programs.ts';
import { python } from './run-in-sandbox.ts';
import type { ContractContext } from './sandbox-contract.ts';

const Answers = z.record(z.string(), z.string());
const Found = z.object({
  statuses: z.array(z.record(z.string(), z.string())),
  uid: z.array(z.number()),
  setuid0: z.string(),
  interfaces: z.array(z.string()),
  mounts: z.array(z.array(z.string())),
  special: z.array(z.string()),
  families: z.record(z.string(), z.array(z.string())),
  netlink: Answers,
  syscalls: Answers,
  clone: Answers,
  'clone plain': z.string(),
  personality: Answers,
  'x32 socket': z.string().optional(),
  int80: z.string().optional(),
  'root writes': Answers,
  'kernel writes': Answers,
  masked: Answers,
  limits: z.record(z.string(), z.array(z.number())),
  'raise nofile more': z.string(),
  descriptors: z.tuple([z.number(), z.string()]),
  env: z.array(z.string()),
  hostname: z.string(),
  'cgroup writes': z.array(z.string()),
  devices: z.array(z.string()),
  'exec in tmp': z.string(),
  connect: Answers,
});

/** Calls that a kernel without them answers with ENOSYS, and one that has them must refuse. */
const REFUSED = ['EPERM', 'ENOSYS'];

export function lookAroundTests(context: ContractContext): void {
  test('shows nothing of the machine from inside', async (t) => {
    const { output, exit } = await context.run({ command: python(LOOK_AROUND), dataBytes: 32 * 1024 * 1024 });
    await context.backend().removeVolume(context.installation, 'alpha');
    assert.deepEqual([exit.cause, exit.exitCode], ['exited', 0], `${exit.reason}\n${exit.stderr}`);
    const found = Found.parse(JSON.parse(output));
    const plain = (await context.cannot('disk_quota')) || (await context.cannot('seccomp_profile'));
    const profile = !(await context.cannot('seccomp_profile'));

    await t.test('no capability, no new privileges, seccomp on, in every process', () => {
      assert.ok(found.statuses.length > 0);
      for (const status of found.statuses) {
        for (const mask of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
          if (status[mask] !== '') assert.match(status[mask] ?? '', /^0+$/, `${status.Name} ${mask}`);
        }
        if (profile) {
          assert.equal(status.NoNewPrivs, '1');
          assert.equal(status.Seccomp, '2');
        }
      }
    });
    await t.test('what is seen is the machine’s kernel, unless it is declared not to be', async () => {
      const shown = found.statuses.every(({ CapAmb }) => CapAmb !== '');
      assert.equal(shown, !(await context.cannot('kernel_view')));
    });
    await t.test('one user that cannot become another', () => {
      assert.deepEqual(found.uid, [1000, 1000, 1000]);
      assert.notEqual(found.setuid0, 'ok');
      assert.deepEqual(found.special, []);
    });
    await t.test('no interface but loopback, nothing to reach', () => {
      assert.deepEqual(
        found.interfaces.filter((name) => name !== 'lo'),
        [],
      );
      for (const [address, result] of Object.entries(found.connect)) assert.notEqual(result, 'ok', address);
    });
    await t.test('no mount of the machine; all that is writable is nosuid and nodev', () => {
      const allowed =
        /^\/(?:$|proc|sys|dev|tmp$|data$|run$|var\/tmp$|etc\/(?:hosts|hostname|resolv\.conf)$|run\/\.containerenv$|(?:usr\/)?sbin\/docker-init$|run\/secrets)/;
      for (const mount of found.mounts) {
        assert.match(mount[1] ?? '', allowed, JSON.stringify(mount));
      }
      const data = found.mounts.find((mount) => mount[1] === '/data');
      // A plain directory of the engine's has the options of the disk it is on; that nothing can gain by them is the
      // template's work: no new privileges, no CAP_MKNOD.
      if (plain) return;
      assert.match(data?.[2] ?? '', /nosuid/);
      assert.match(data?.[2] ?? '', /nodev/);
    });
    await t.test('the root is read-only, /tmp runs nothing, the kernel takes no settings', () => {
      for (const [path, result] of Object.entries(found['root writes'])) assert.notEqual(result, 'ok', path);
      for (const [path, result] of Object.entries(found['kernel writes']))
        assert.notEqual(result, 'ok', path);
      for (const result of found['cgroup writes']) assert.notEqual(result, 'ok');
      assert.equal(found['exec in tmp'], 'refused');
    });
    await t.test('kernel files are masked', () => {
      for (const [path, content] of Object.entries(found.masked)) {
        // Podman has a list of its own and takes no other.
        if (path === '/proc/interrupts' && context.engine().flavour === 'podman') continue;
        assert.match(content, /^(?:entries 0|E[A-Z]+|)$/, `${path}: ${content}`);
      }
    });
    await t.test('socket families: unix, inet, inet6 and netlink’s route alone', () => {
      for (const [family, results] of Object.entries(found.families)) {
        const open = results.includes('ok');
        if (['1', '2', '10', '16'].includes(family)) assert.ok(open, family);
        else if (profile) assert.deepEqual(results, ['EPERM'], family);
        else assert.ok(!open || family === '17', family);
      }
      for (const [protocol, result] of Object.entries(found.netlink)) {
        if (protocol === '0') assert.equal(result, 'ok');
        else if (profile) assert.equal(result, 'EPERM', `netlink ${protocol}`);
      }
    });
    await t.test(profile ? 'dangerous calls are refused' : 'the missing profile is really missing', () => {
      if (!profile) {
        assert.notEqual(found.statuses[0]?.Seccomp, '2');
        return;
      }
      for (const [name, result] of Object.entries(found.syscalls))
        assert.ok(REFUSED.includes(result), `${name}: ${result}`);
      assert.equal(found.syscalls.clone3, 'ENOSYS');
      for (const [flag, result] of Object.entries(found.clone)) assert.equal(result, 'refused', flag);
      assert.equal(found['clone plain'], 'ok');
      const { '0xffffffff': query, ...others } = found.personality;
      assert.equal(query, 'ok');
      for (const [persona, result] of Object.entries(others)) assert.equal(result, 'EPERM', persona);
      if (found['x32 socket'] !== undefined) assert.equal(found['x32 socket'], 'signal 31');
      // SIGSEGV where the kernel has no 32-bit entry at all.
      if (found.int80 !== undefined) assert.match(found.int80, /^signal (?:31|11)$/);
    });
    await t.test('limits of the process, and no variable that is not ours', () => {
      assert.deepEqual(found.limits.CORE, [0, 0]);
      assert.deepEqual(found.limits.NOFILE, [1024, 4096]);
      assert.equal(found['raise nofile more'], 'refused');
      assert.ok(found.descriptors[0] <= 4096);
      assert.equal(found.descriptors[1], 'EMFILE');
      assert.equal(found.hostname, 'agent');
      const ours = [
        ...Object.keys(PROGRAM_ENVIRONMENT),
        'HOME',
        'HOSTNAME',
        'LANG',
        'NODE_COMPILE_CACHE',
        'NODE_ENV',
        'PATH',
        'TERM',
        'container',
        'LC_CTYPE',
        'PWD',
        'SHLVL',
        '_',
      ];
      assert.deepEqual(
        found.env.filter((name) => !ours.includes(name)),
        [],
      );
    });
  });
}
