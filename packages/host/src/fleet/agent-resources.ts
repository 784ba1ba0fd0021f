import type { AgentSettings } from '../config/fleet-config.ts';
import type { SandboxSpec } from '../sandbox/sandbox-backend.ts';

const MEBIBYTE = 1024 * 1024;
const PLAIN = { memoryBytes: 384 * MEBIBYTE, cpus: 0.15, pids: 256 };
/** Chromium with a long page and a few tabs takes 300 to 700 MB, and with less than a processor minutes for it. */
const BROWSER = { memoryBytes: 1024 * MEBIBYTE, cpus: 1, pids: 512 };

/** The limits of an agent's container: what its configuration says, else what its kind needs. */
export function agentResources({
  resources,
  permissions,
}: Pick<AgentSettings, 'resources' | 'permissions'>): Pick<
  SandboxSpec,
  'memoryBytes' | 'cpus' | 'pids' | 'dataBytes'
> {
  const absent = permissions.can_use_browser ? BROWSER : PLAIN;
  return {
    memoryBytes: resources.memory_limit ?? absent.memoryBytes,
    cpus: resources.cpu_limit ?? absent.cpus,
    pids: resources.pids_limit ?? absent.pids,
    dataBytes: resources.disk_limit,
  };
}
