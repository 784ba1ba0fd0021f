import type { AuditRecord } from '@openlegion/contract/audit-record';
import { type AuditSource, type Chain, liveAuditSource, storedAuditSource } from '../audit/audit-source.ts';
import { type ChainCheck, createChainCheck } from '../audit/check-chain.ts';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';

const CHAINS: readonly Chain[] = ['host', 'keeper'];

/** Exit code 1 when a record was changed, removed or added by anyone without the keeper's key. */
export async function auditVerify(context: CommandContext, options: { json: boolean }): Promise<number> {
  const { terminal } = context;
  const source = sourceOf(context.home);
  const checks = await verifyChains(source);
  const sound = checks.every(({ findings }) => findings.length === 0);
  if (options.json) {
    terminal.line(JSON.stringify({ source: source.description, sound, chains: checks }, null, 2));
    return sound ? 0 : 1;
  }
  terminal.line(`Audit of ${source.description}`);
  for (const check of checks) terminal.line(describeCheck(check, terminal.style));
  if (!sound) terminal.line(terminal.style('red', 'The record is not whole. Keep data/ as evidence.'));
  return sound ? 0 : 1;
}

/** The keeper's checkpoints are read first: what is signed by then must be in the records that are read after. */
export async function verifyChains(source: AuditSource): Promise<ChainCheck[]> {
  const { checkpoints, publicKeyPem } = await source.checkpoints();
  const checks: ChainCheck[] = [];
  for (const chain of CHAINS) {
    const check = createChainCheck(chain, checkpoints, publicKeyPem);
    for await (const record of source.records(chain, 0)) check.add(record);
    checks.push(check.result());
  }
  return checks;
}

function describeCheck(check: ChainCheck, style: CommandContext['terminal']['style']): string {
  const { chain, records, checkpoints, coveredSeq, findings } = check;
  const mark = findings.length === 0 ? style('green', '✓') : style('red', '✗');
  const rest = records - coveredSeq;
  const lines = [
    `${mark} ${chain} chain: ${records} records, ${checkpoints} signed checkpoints, signed up to record ${coveredSeq}` +
      (rest > 0 ? ` (${rest} newer ones are held by their links alone until the next checkpoint)` : ''),
    ...findings.map(({ seq, problem }) => `    record ${seq}: ${problem}`),
  ];
  return lines.join('\n');
}

export async function auditTail(
  context: CommandContext,
  options: { lines: number; chain: Chain; json: boolean },
): Promise<number> {
  const count = Number.isInteger(options.lines) && options.lines > 0 ? Math.min(options.lines, 10_000) : 20;
  const newest: AuditRecord[] = [];
  for await (const record of sourceOf(context.home).records(options.chain, 0)) {
    newest.push(record);
    if (newest.length > count) newest.shift();
  }
  const { terminal } = context;
  if (options.json) for (const record of newest) terminal.line(JSON.stringify(record));
  else {
    terminal.line(
      formatTable(
        newest.map((record) => [
          String(record.seq),
          record.at,
          record.decision === 'none' ? '' : record.decision,
          record.type,
          oneLine(record.actor, 24),
          oneLine(record.subject, 60),
          oneLine(record.rule, 60),
        ]),
      ),
    );
  }
  return 0;
}

function sourceOf(home: string): AuditSource {
  const running = runningSupervisor(home);
  return running && running.port > 0
    ? liveAuditSource(createControlClient(home), home, running.run)
    : storedAuditSource(home);
}
