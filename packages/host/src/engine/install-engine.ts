import type { Refusal } from '@openlegion/contract/refusal';
import type { EngineSearch } from './find-engine.ts';
import type { Machine } from './machine.ts';

export interface InstallEngineOptions {
  machine: Machine;
  /** Looks again for the engine; `findEngine` with this process's environment. */
  find: () => Promise<EngineSearch>;
  /** Asked before anything is done with `sudo`; not asked of root. Without a terminal: answer false. */
  confirm: (question: string) => Promise<boolean>;
  onProgress: (line: string) => void;
  signal: AbortSignal;
  /** Where dockerd writes when it is not systemd that runs it. */
  logFile?: string;
}

const DOCKERD = '/usr/sbin/dockerd';
/** What an engine of this machine would mend. One that was named elsewhere is never replaced by another. */
const MENDABLE: readonly string[] = ['none', 'not_running'];
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 200;
/** e2fsprogs makes the agents' file systems; cgroupfs-mount is needed where no systemd mounts the cgroups. */
const PACKAGES = ['docker.io', 'e2fsprogs', 'ca-certificates'];

/**
 * Brings up an engine on Debian or Ubuntu: installs `docker.io` where it is missing and starts `dockerd` where it
 * does not run, as root or with passwordless sudo after a yes. Everywhere else it refuses with exactly what to do.
 * Calling it when the engine already answers changes nothing.
 */
export async function installEngine(options: InstallEngineOptions): Promise<EngineSearch> {
  const { machine, find, onProgress } = options;
  const before = await find();
  if (before.found || !MENDABLE.includes(before.reason)) return before;
  const release = await machine.read('/etc/os-release');
  const debian = /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(release);
  if (machine.platform !== 'linux' || !debian || !(await machine.exists('/usr/bin/apt-get'))) {
    return { ...before, refusal: { ...before.refusal, remedy: remedyElsewhere(machine.platform, release) } };
  }
  const installed = await machine.exists(DOCKERD);
  const sudo = await decideSudo(options, installed);
  if ('code' in sudo) return { ...before, refusal: sudo };

  const as = (...command: string[]) => [...sudo.prefix, ...command];
  if (!installed) {
    onProgress('Installing the container engine (docker.io) from this machine’s package mirror');
    const failure = await installPackages(options, as);
    if (failure) return { ...before, refusal: failure };
  }
  onProgress('Starting the container engine');
  return await startEngine(options, as);
}

async function installPackages(
  { machine, onProgress, signal }: InstallEngineOptions,
  as: (...command: string[]) => string[],
): Promise<Refusal | null> {
  const systemd = await machine.exists('/run/systemd/system');
  const packages = systemd ? PACKAGES : [...PACKAGES, 'cgroupfs-mount'];
  const flags = ['-y', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0', '-o', 'DPkg::Lock::Timeout=120'];
  const environment = ['/usr/bin/env', 'DEBIAN_FRONTEND=noninteractive', 'LANG=C'];
  const apt = (...args: string[]) =>
    machine.run(as(...environment, 'apt-get', ...args), { signal, onLine: onProgress });
  // A fresh machine has no package lists, one left alone has old ones: then the first try fails.
  let result = await apt('install', ...flags, ...packages);
  if (result.code !== 0) {
    await apt('update');
    result = await apt('install', ...flags, ...packages);
  }
  signal.throwIfAborted();
  if (result.code === 0) return null;
  return {
    code: 'upstream_failed',
    rule: 'engine.install',
    message: `docker.io could not be installed:\n${result.lastLines.slice(-6).join('\n')}`.slice(0, 2000),
    remedy: 'Mend what apt-get says above (sudo apt-get install docker.io must succeed), then start again.',
  };
}

async function startEngine(
  { machine, find, signal, logFile = '/var/log/openlegion-dockerd.log' }: InstallEngineOptions,
  as: (...command: string[]) => string[],
): Promise<EngineSearch> {
  const systemd = await machine.exists('/run/systemd/system');
  let ended = false;
  let log = 'journalctl -u docker';
  if (systemd) {
    const { code } = await machine.run(as('systemctl', 'start', 'docker'), { signal });
    ended = code !== 0;
  } else {
    log = logFile;
    // What the installation may have started just now is not started a second time.
    const now = await find();
    if (now.found) return now;
    const cgroups = '/usr/bin/cgroupfs-mount';
    if (await machine.exists(cgroups)) await machine.run(as(cgroups), { signal });
    void machine.detach(as(DOCKERD), logFile).ended.then(() => {
      ended = true;
    });
  }
  for (let waited = 0; waited < START_TIMEOUT_MS; waited += POLL_MS) {
    signal.throwIfAborted();
    const search = await find();
    if (search.found || search.reason === 'no_permission') return search;
    if (ended) break;
    await machine.wait(POLL_MS);
  }
  const tail = systemd ? '' : (await machine.read(logFile)).trim().split('\n').slice(-3).join('\n');
  return {
    found: false,
    reason: 'not_running',
    refusal: {
      code: 'unavailable',
      rule: 'engine.start',
      message: `dockerd is installed but could not be started.${tail ? `\n${tail.slice(-1200)}` : ''}`,
      remedy: `Read its log (${log}) and mend what it says; then start again.`,
    },
  };
}

/** Root needs no prefix. Anyone else needs sudo without a password, and a yes. */
async function decideSudo(
  { machine, confirm, signal }: InstallEngineOptions,
  installed: boolean,
): Promise<{ prefix: string[] } | Refusal> {
  if (machine.uid === 0) return { prefix: [] };
  const steps = installed ? 'start it' : 'install one (docker.io)';
  const manual = installed
    ? 'sudo systemctl start docker'
    : 'sudo apt-get update && sudo apt-get install -y docker.io e2fsprogs';
  const state = installed
    ? 'The container engine is not running'
    : 'There is no container engine on this machine (agents run in containers and nowhere else)';
  const refusal: Refusal = {
    code: 'unavailable',
    rule: 'engine.install',
    message: `${state}, and this user may not ${steps} without a password.`,
    remedy: `Run: ${manual} && sudo usermod -aG docker "$USER" — then log in again and start again.`,
  };
  const { code } = await machine.run(['sudo', '-n', 'true'], { signal });
  if (code !== 0) return refusal;
  if (!(await confirm(`${state}. May I ${steps} with sudo?`))) {
    return { ...refusal, message: `${state}, and a yes was not given to ${steps}.` };
  }
  return { prefix: ['sudo', '-n'] };
}

const INSTALL_ELSEWHERE = [
  [/^ID(?:_LIKE)?=.*\b(?:fedora|rhel|centos)\b/m, 'dnf install -y moby-engine'],
  [/^ID(?:_LIKE)?=.*\barch\b/m, 'pacman -S docker'],
  [/^ID(?:_LIKE)?=.*\bsuse\b/m, 'zypper install docker'],
] as const;

function remedyElsewhere(platform: NodeJS.Platform, release: string): string {
  if (platform === 'darwin') return 'Install Docker Desktop, OrbStack or Colima, start it, then start again.';
  if (platform !== 'linux')
    return 'Install Docker Desktop with its WSL 2 engine and run OpenLegion inside WSL.';
  const install = INSTALL_ELSEWHERE.find(([id]) => id.test(release))?.[1];
  if (install) {
    return `Run: sudo ${install} && sudo systemctl enable --now docker && sudo usermod -aG docker "$USER" — then log in again.`;
  }
  return 'Install Docker (or Podman 4 or later with its API socket) with this system’s package manager, start it, then start again.';
}
