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

/** The one line a part writes on fd 3; null when it closed it without one, wrote more than 64 KiB or not a report. */
export async function readPartReport(stream: Readable): Promise<PartReport | null> {
  let text = '';
  try {
    for await (const chunk of stream) {
      text += String(chunk);
      if (text.includes('\n') || text.length > MAX_BYTES) break;
    }
    const parsed = Report.safeParse(JSON.parse(text.split('\n')[0] ?? ''));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
