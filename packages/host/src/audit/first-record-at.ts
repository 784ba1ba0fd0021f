import type { AuditRecord } from '@openlegion/contract/audit-record';

/** Records after `after`, oldest first. */
export type ReadChain = (after: number, limit: number) => Promise<AuditRecord[]>;

/**
 * The number of the first record that is not older than `from`; one more than the last where all are. Found by halving:
 * a chain's numbers have no gaps, and its times rise with them.
 */
export async function firstRecordAt(read: ReadChain, from: string): Promise<number> {
  const isBefore = async (seq: number) => ((await read(seq - 1, 1))[0]?.at ?? '\uffff') < from;
  let high = 1;
  while (await isBefore(high)) high *= 2;
  let low = Math.floor(high / 2) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
