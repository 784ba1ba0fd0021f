import { readdirSync, readFileSync } from 'node:fs';

const FIELDS = 'Name Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp'.split(' ');

export function processIds(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 0);
}

/** The lines of `/proc/PID/status` that say what each process may do. */
export function readProcesses(): { processes: Record<string, string>[] } {
  const processes: Record<string, string>[] = [];
  for (const pid of processIds()) {
    let status: string;
    try {
      status = readFileSync(`/proc/${pid}/status`, 'utf8');
    } catch {
      continue;
    }
    const found: Record<string, string> = { pid: String(pid) };
    for (const line of status.split('\n')) {
      const [, field = '', value = ''] = /^(\w+):\s*(.*)/.exec(line.replaceAll('\t', ' ').trimEnd()) ?? [];
      if (FIELDS.includes(field)) found[field] = value;
    }
    processes.push(found);
  }
  return { processes };
}
