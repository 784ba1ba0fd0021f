import { hostname, release, totalmem } from 'node:os';
import type { EngineInfo } from './engine-answers.ts';
import type { EngineClient } from './engine-client.ts';

/**
 * Whether the engine runs on this kernel, so that paths and devices of this machine mean the same to it. An engine in
 * a virtual machine (Docker Desktop, Colima, Lima) listens on a local socket, but has another kernel or host name.
 */
export function sameMachine(engine: EngineClient, info: EngineInfo): boolean {
  return (
    engine.address.kind === 'unix' &&
    info.KernelVersion === release() &&
    info.Name === hostname() &&
    Math.abs(info.MemTotal - totalmem()) < 64 * 1024 * 1024
  );
}
