import { setTimeout as delay } from 'node:timers/promises';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import { AuditPage } from '@openlegion/contract/control-api';
import type { CommandContext } from '../command-context.ts';
import { type ControlClient, createControlClient } from '../control/control-client.ts';
import { formatEgressRecord } from '../egress/format-egress-record.ts';

const POLL_MS = 1000;
const PAGE = 1000;

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
  const control = createControlClient(home);
  const count = Number.isInteger(options.lines) && options.lines >= 0 ? options.lines : 50;
  const show = (record: AuditRecord) =>
    terminal.line(options.json ? JSON.stringify(record) : formatEgressRecord(record, terminal.style));
  const wanted = (record: AuditRecord) => !options.denied || record.decision === 'denied';

  const newest: AuditRecord[] = [];
  let after = 0;
  for await (const page of pages(control, 0, options.agent)) {
    after = page.next;
    newest.push(...page.records.filter(wanted));
    if (newest.length > count) newest.splice(0, newest.length - count);
  }
  for (const record of newest) show(record);
  if (newest.length === 0 && !options.follow && !options.json)
    terminal.errorLine('Nothing was asked of the outside world.');
  while (options.follow) {
    await delay(POLL_MS);
    for await (const page of pages(control, after, options.agent)) {
      after = page.next;
      for (const record of page.records.filter(wanted)) show(record);
    }
  }
  return 0;
}

/** From `after` to the end as it is now. */
async function* pages(
  control: ControlClient,
  after: number,
  agent: string | undefined,
): AsyncGenerator<AuditPage> {
  let from = after;
  while (true) {
    const query = new URLSearchParams({ chain: 'keeper', type: 'egress.', limit: String(PAGE) });
    if (agent !== undefined) query.set('agent', agent);
    query.set('after', String(from));
    const page = await control.json(AuditPage, { method: 'GET', path: `/api/audit?${query}` });
    yield page;
    if (page.next <= from) return;
    from = page.next;
  }
}
