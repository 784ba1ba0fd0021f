import type { Readable } from 'node:stream';
import type { PartReport } from '@openlegion/contract/process-protocol';
import { z } from 'zod';

const Report = z.discriminatedUnion('ready', [
  z.object({
    ready: z.literal(true),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  }),
  z.object({ ready: z.literal(false), message: z.string().max(16_384), remedy: z.string().max(4096) }),
]);

const MAX_BYTES = 64 * 1024;

/**
 * The one line a part writes on fd 3. `nothing`: it closed it without a line (it has ended, or soon will).
 * `unreadable`: what it wrote is not a report, or longer than 64 KiB.
 */
export async function readPartReport(stream: Readable): Promise<PartReport | 'nothing' | 'unreadable'> {
  let text = '';
  try {
    for await (const chunk of stream) {
      text += String(chunk);
      if (text.includes('\n') || text.length > MAX_BYTES) break;
    }
  } catch {
    return 'nothing';
  }
  if (text === '') return 'nothing';
  try {
    const parsed = Report.safeParse(JSON.parse(text.split('\n')[0] ?? ''));
    return parsed.success ? parsed.data : 'unreadable';
  } catch {
    return 'unreadable';
  }
}
