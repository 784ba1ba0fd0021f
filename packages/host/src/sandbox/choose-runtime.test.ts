import assert from 'node:assert/strict';
import { hostname, release, totalmem } from 'node:os';
import { describe, test } from 'node:test';
import { EngineInfo, EngineVersion } from '../engine/engine-answers.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import { chooseRuntime } from './choose-runtime.ts';
import { missingEnforcement } from './missing-enforcement.ts';

const infoOf = (runtimes: Record<string, object>, change: object = {}) =>
  EngineInfo.parse({
    Runtimes: { runc: { path: 'runc' }, ...runtimes },
    MemoryLimit: true,
    PidsLimit: true,
    CpuCfsQuota: true,
    SecurityOptions: ['name=seccomp,profile=default'],
    ...change,
  });

function engineWith(info: EngineInfo, flavour: 'docker' | 'podman' = 'docker'): EngineClient {
  const engine: Partial<EngineClient> = {
    address: { kind: 'unix', path: '/s' },
    flavour,
    info: async () => info,
    version: async () => EngineVersion.parse({ Version: flavour === 'podman' ? '4.3.1' : '20.10.24' }),
  };
  return engine as EngineClient;
}

describe('chooseRuntime', () => {
  test('refuses --sandbox where there is nothing stronger, rather than go on', async () => {
    const choice = await chooseRuntime(engineWith(infoOf({})), true);
    assert.ok(!choice.chosen);
    assert.match(choice.refusal.remedy, /runsc/);
  });

  test('takes the strongest: a virtual machine before a kernel in user space', async () => {
    const both = infoOf({ runsc: { path: '/usr/bin/runsc' }, 'kata-fc': { path: '/opt/kata-fc' } });
    const choice = await chooseRuntime(engineWith(both), true);
    assert.ok(choice.chosen);
    assert.equal(choice.runtime, 'kata-fc');
    assert.match(choice.boundary, /virtual machine/);
  });

  test('says what is lost with gVisor as it is registered', async () => {
    const args = ['--ignore-cgroups'];
    const choice = await chooseRuntime(
      engineWith(infoOf({ runsc: { path: '/usr/bin/runsc', runtimeArgs: args } })),
      true,
    );
    assert.ok(choice.chosen);
    const lost = choice.lost.map(({ enforcement }) => enforcement).sort();
    assert.deepEqual(lost, [
      'cpu_clamp_after_start',
      'cpu_limit',
      'kernel_view',
      'memory_limit',
      'pids_limit',
      'seccomp_profile',
    ]);
    const whole = await chooseRuntime(engineWith(infoOf({ runsc: { path: '/usr/bin/runsc' } })), true);
    assert.ok(whole.chosen);
    assert.deepEqual(
      whole.lost.map(({ enforcement }) => enforcement),
      ['seccomp_profile', 'kernel_view'],
    );
  });

  test('knows gVisor under another name by its program', async () => {
    const info = infoOf({ strong: { path: '/usr/bin/runsc', runtimeArgs: ['--ignore-cgroups'] } });
    const choice = await chooseRuntime(engineWith(info), true);
    assert.ok(choice.chosen);
    assert.equal(choice.runtime, 'strong');
    assert.ok(choice.lost.some(({ enforcement }) => enforcement === 'memory_limit'));
  });

  test('passes over a runtime that an engine of this machine lists and does not have', async () => {
    const here = { KernelVersion: release(), Name: hostname(), MemTotal: totalmem() };
    const info = infoOf({ kata: { path: '/nonexistent/kata-runtime' } }, here);
    assert.ok(!(await chooseRuntime(engineWith(info, 'podman'), true)).chosen);
  });

  test('without --sandbox it is the engine’s own, and nothing is lost', async () => {
    const choice = await chooseRuntime(engineWith(infoOf({ runsc: { path: '/usr/bin/runsc' } })), false);
    assert.ok(choice.chosen);
    assert.equal(choice.runtime, null);
    assert.deepEqual(choice.lost, []);
  });
});

describe('missingEnforcement', () => {
  const names = (...of: Parameters<typeof missingEnforcement>) =>
    missingEnforcement(...of).map(({ enforcement }) => enforcement);

  test('an engine that says less enforces less', () => {
    const poor = EngineInfo.parse({});
    assert.deepEqual(names('docker', '20.10', poor, 'runc').sort(), [
      'cpu_limit',
      'memory_limit',
      'pids_limit',
      'seccomp_profile',
      'user_namespace',
    ]);
  });

  test('Podman 4 changes no running container; user namespaces are seen', () => {
    const rootless = infoOf({}, { SecurityOptions: ['name=seccomp', 'name=rootless'] });
    assert.deepEqual(names('podman', '4.3.1', rootless, 'runc'), ['cpu_clamp_after_start']);
    assert.deepEqual(
      names('docker', '27.0', infoOf({}, { SecurityOptions: ['name=seccomp', 'name=userns'] }), 'runc'),
      [],
    );
  });
});
