import { readFileSync } from 'node:fs';

/** One process of the vault, as the kernel describes it to anyone. */
export interface VaultProcess {
  name: string;
  pid: number;
  uid: number;
  /** Null where the kernel does not say. */
  coreLimit: string | null;
  commandLine: string[];
}

/** From `/proc` (proc(5)). Throws where there is none, or no such process. */
export function readVaultProcess(name: string, pid: number): VaultProcess {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
  return {
    name,
    pid,
    uid: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN),
    coreLimit: /^Max core file size\s+(\S+\s+\S+)/m.exec(limits)?.[1]?.replace(/\s+/, '/') ?? null,
    commandLine: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean),
  };
}
