import { setTimeout as delay } from 'node:timers/promises';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import { AuditPage } from '@openlegion/contract/control-api';
import type { CommandContext } from '../command-context.ts';
import { type ControlClient, createControlClient } from '../control/control-client.ts';
import { createEgressLines } from '../egress/egress-lines.ts';

const POLL_MS = 1000;
const PAGE = 1000;
/** A request with a credential is recorded as the use of it. */
const TYPES = ['egress.', 'credential.injected'] as const;

export interface EgressLogOptions {
  follow?: boolean;
  denied?: boolean;
  agent?: string;
  lines: number;
  json?: boolean;
}

/** Shows the newest requests to the outside, oldest first; with `follow` until it is interrupted. */
export async function egressLog(
  { home, terminal }: CommandContext,
  options: EgressLogOptions,
): Promise<number> {
  const read = createReader(createControlClient(home), options.agent);
  const count = Number.isInteger(options.lines) && options.lines >= 0 ? options.lines : 50;
  const wanted = (record: AuditRecord) => !options.denied || record.decision === 'denied';
  const lines = createEgressLines(terminal.style);
  const records = (await read()).filter(wanted);
  const shown = options.json
    ? records.slice(-count).map((record) => JSON.stringify(record))
    : lines.joined(records).slice(count === 0 ? records.length : -count);
  for (const line of shown) terminal.line(line);
  if (shown.length === 0 && !options.follow && !options.json)
    terminal.errorLine(options.denied ? 'Nothing was refused.' : 'Nothing was asked of the outside world.');
  while (options.follow) {
    await delay(POLL_MS);
    for (const record of (await read()).filter(wanted))
      terminal.line(options.json ? JSON.stringify(record) : lines.single(record));
  }
  return 0;
}

/** Each call answers what was recorded since the one before, in order. */
function createReader(control: ControlClient, agent: string | undefined): () => Promise<AuditRecord[]> {
  const next = new Map<string, number>();
  return async () => {
    const found: AuditRecord[] = [];
    for (const type of TYPES) {
      for (let after = next.get(type) ?? 0; ; ) {
        const query = new URLSearchParams({
          chain: 'keeper',
          type,
          limit: String(PAGE),
          after: String(after),
        });
        if (agent !== undefined) query.set('agent', agent);
        const page = await control.json(AuditPage, { method: 'GET', path: `/api/audit?${query}` });
        found.push(...page.records);
        next.set(type, page.next);
        if (page.next <= after) break;
        after = page.next;
      }
    }
    return found.sort((a, b) => a.seq - b.seq);
  };
}
