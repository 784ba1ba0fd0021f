import { access } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import type { Refusal } from '@openlegion/contract/refusal';
import type { EngineClient } from '../engine/engine-client.ts';
import { sameMachine } from '../engine/same-machine.ts';
import { GVISOR, missingEnforcement } from './missing-enforcement.ts';
import type { SandboxCapabilities } from './sandbox-backend.ts';

export type RuntimeChoice =
  | {
      chosen: true;
      /** Null for the engine's default. */
      runtime: string | null;
      /** For people: what separates an agent from the machine's kernel. */
      boundary: string;
      /** What is lost against the engine's default runtime, to be said (and agreed to) before the first start. */
      lost: SandboxCapabilities['cannotEnforce'];
    }
  | { chosen: false; refusal: Refusal };

/** Strongest first. A program is known by the name of its file; one without a path by its registered name. */
const STRONG_RUNTIMES: readonly { is: RegExp; boundary: string }[] = [
  { is: /^(?:containerd-shim-)?(?:io\.containerd\.)?kata/, boundary: 'a virtual machine of its own (Kata)' },
  { is: /^(?:krun|libkrun|crun-krun)/, boundary: 'a virtual machine of its own (libkrun)' },
  { is: GVISOR, boundary: 'a kernel of its own in user space (gVisor)' },
];

/**
 * The runtime for `--sandbox`: the strongest that the engine has. Without `strongest` it is the engine's default.
 * It never goes on with a weaker one: an engine that has none is a refusal.
 */
export async function chooseRuntime(engine: EngineClient, strongest: boolean): Promise<RuntimeChoice> {
  const [info, version] = await Promise.all([engine.info(), engine.version()]);
  if (!strongest) {
    return { chosen: true, runtime: null, boundary: `the kernel (${info.DefaultRuntime})`, lost: [] };
  }
  const here = sameMachine(engine, info);
  const missing = (runtime: string) => missingEnforcement(engine.flavour, version.Version, info, runtime);
  for (const { is, boundary } of STRONG_RUNTIMES) {
    const found = info.Runtimes.find(({ name, path }) => is.test(name) || is.test(basename(path)));
    if (!found || !(await isInstalled(found.path, here))) continue;
    const before = new Set(missing(info.DefaultRuntime).map(({ enforcement }) => enforcement));
    const lost = missing(found.name).filter(({ enforcement }) => !before.has(enforcement));
    return { chosen: true, runtime: found.name, boundary, lost };
  }
  return {
    chosen: false,
    refusal: {
      code: 'unavailable',
      rule: 'sandbox.runtime',
      message: `--sandbox was asked for, but this engine has no stronger runtime than ${info.DefaultRuntime}: none of Kata, libkrun and gVisor is registered.`,
      remedy:
        'Install one (gVisor on Debian: apt-get install runsc), register it under "runtimes" in /etc/docker/daemon.json, restart the engine; or start without --sandbox.',
    },
  };
}

/** Podman lists the runtimes that it knows, installed or not. On another machine the first start shows it. */
async function isInstalled(path: string, here: boolean): Promise<boolean> {
  if (!here || !isAbsolute(path)) return true;
  return await access(path).then(
    () => true,
    () => false,
  );
}
