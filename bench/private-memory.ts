import { readdirSync, readFileSync } from 'node:fs';

/**
 * Memory that a process alone holds (its unique set), in bytes: what its end would give back. Of the kernel's own
 * account, which root alone may read of others. Null where it may not be read, or there is no such process.
 */
export function privateMemoryBytes(pid: number): number | null {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kilobytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
    return (kilobytes('Private_Clean') + kilobytes('Private_Dirty')) * 1024;
  } catch {
    return null;
  }
}

/** All descendants of a process, itself first. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = parentOf(Number(entry));
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function parentOf(pid: number): number | null {
  try {
    // The name in brackets may hold anything, brackets too.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[1]);
  } catch {
    return null;
  }
}

/** What a process was started with. */
export function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** Of several looks, half a second apart, the least: a process that has just started has not given back all it took. */
export async function settledMemoryBytes(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 6; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const bytes = privateMemoryBytes(pid);
    if (bytes === null)
      throw new Error(
        `the memory of process ${pid} cannot be read: run the bench as root on the engine's machine`,
      );
    least = Math.min(least, bytes);
  }
  return least;
}
