import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildContainerBody, cpuLimit, volumeName } from './container-spec.ts';
import type { SandboxSpec } from './sandbox-backend.ts';
import { createSeccompProfile } from './seccomp-profile.ts';

const spec: SandboxSpec = {
  installation: 'abc123',
  agent: 'alpha',
  image: 'openlegion-agent:1',
  memoryBytes: 384 * 1024 * 1024,
  cpus: 0.15,
  pids: 256,
  dataBytes: 1024 ** 3,
};
const settings = {
  runtime: null,
  seccomp: createSeccompProfile('x86_64'),
  volume: { name: 'openlegion_data_alpha_abc123', owned: true },
  cpusFromStart: false,
  privateCgroupNamespace: true,
};

/** The whole template: a change of it is a change of what confines an agent, and has to be made here as well. */
test('the template is what the design says', () => {
  const body: unknown = JSON.parse(
    JSON.stringify(buildContainerBody(spec, { ...settings, seccomp: '/profile.json' })),
  );
  assert.deepEqual(body, {
    Image: 'openlegion-agent:1',
    Hostname: 'agent',
    User: '1000:1000',
    WorkingDir: '/data',
    Env: ['HOME=/data', 'LANG=C.UTF-8'],
    Labels: { openlegion: '1', 'openlegion.installation': 'abc123', 'openlegion.agent': 'alpha' },
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: false,
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges', 'seccomp=/profile.json'],
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'rw,nosuid,nodev,mode=1777,noexec,size=67108864' },
      Mounts: [
        {
          Type: 'volume',
          Source: 'openlegion_data_alpha_abc123',
          Target: '/data',
          VolumeOptions: { NoCopy: true },
        },
      ],
      PidsLimit: 256,
      Memory: 402653184,
      MemorySwap: 402653184,
      ShmSize: 67108864,
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: 1024, Hard: 4096 },
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'fsize', Soft: 1073741824, Hard: 1073741824 },
      ],
      Init: true,
      LogConfig: { Type: 'none' },
      IpcMode: 'private',
      CgroupnsMode: 'private',
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      Privileged: false,
      MaskedPaths: [
        '/proc/acpi',
        '/proc/asound',
        '/proc/interrupts',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/sched_debug',
        '/proc/scsi',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/sys/devices/virtual/powercap',
        '/sys/firmware',
      ],
      ReadonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  });
});

test('whatever else is in a spec does not reach the engine', () => {
  const weakening = {
    ...spec,
    Privileged: true,
    HostConfig: { Binds: ['/:/host'], NetworkMode: 'host', CapAdd: ['ALL'] },
    binds: ['/var/run/docker.sock:/docker.sock'],
    env: ['SECRET=1'],
  };
  assert.deepEqual(buildContainerBody(weakening, settings), buildContainerBody(spec, settings));
});

test('no name can become an option', () => {
  const text = fc.string({ unit: 'binary', maxLength: 80 });
  fc.assert(
    fc.property(text, text, fc.array(text), (agent, image, command) => {
      const body = JSON.parse(
        JSON.stringify(buildContainerBody({ ...spec, agent, image, command }, settings)),
      );
      const plain = JSON.parse(JSON.stringify(buildContainerBody(spec, settings)));
      assert.deepEqual(body.HostConfig, plain.HostConfig);
      assert.deepEqual(body.Cmd, command);
    }),
  );
});

test('without a volume there is a tmpfs at /data, of the agent’s user', () => {
  const body = JSON.stringify(
    buildContainerBody({ ...spec, dataBytes: null }, { ...settings, volume: null }),
  );
  assert.match(body, /"\/data":"rw,nosuid,nodev,mode=0700,uid=1000,gid=1000,size=67108864"/);
  assert.doesNotMatch(body, /"Mounts"/);
});

test('the processor limit is whole billionths, and there from the start only where it cannot come later', () => {
  assert.deepEqual(cpuLimit(0.15), { NanoCpus: 150_000_000 });
  assert.match(
    JSON.stringify(buildContainerBody(spec, { ...settings, cpusFromStart: true })),
    /"NanoCpus":150000000/,
  );
});

test('two installations never share a volume', () => {
  assert.notEqual(volumeName('one', 'alpha'), volumeName('two', 'alpha'));
});
