import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { dataPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { checkExport } from '../audit/check-export.ts';
import { parseTime } from '../audit/parse-time.ts';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { oneLine } from '../terminal/safe-text.ts';

const BEGINNING = '1970-01-01T00:00:00.000Z';

/** Writes the records between two times to standard output, with a manifest that the keeper signed. */
export async function auditExport(
  { home, terminal }: CommandContext,
  options: { from?: string; to?: string },
): Promise<number> {
  const from = options.from === undefined ? BEGINNING : parseTime(options.from, 'begin');
  const to = options.to === undefined ? new Date().toISOString() : parseTime(options.to, 'end');
  const answer = await createControlClient(home).stream({
    method: 'POST',
    path: '/api/audit/export',
    json: { from, to },
  });
  await pipeline(answer, terminal.output, { end: false });
  return 0;
}

/** Checks an export with nothing but the keeper's public key. Exit code 1 when it is not what was signed, whole. */
export async function auditVerifyFile(
  { home, terminal }: CommandContext,
  file: string,
  options: { key?: string; json?: boolean },
): Promise<number> {
  const keyFile = options.key ?? dataPaths(home).auditPublicKey;
  if (!existsSync(keyFile)) throw noKey(keyFile);
  if (!existsSync(file)) throw noFile(file);
  const lines = createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  const verdict = await checkExport(lines, readFileSync(keyFile, 'utf8'));
  if (options.json) terminal.line(JSON.stringify({ file, key: keyFile, ...verdict }, null, 2));
  else {
    const { style } = terminal;
    terminal.line(
      `${verdict.sound ? style('green', '✓') : style('red', '✗')} ${file}: ${verdict.host} records of the host, ${verdict.keeper} of the keeper`,
    );
    terminal.line(
      `  ${verdict.from || '?'} to ${verdict.to || '?'}, made ${verdict.exportedAt || '?'} by ${oneLine(verdict.exportedBy || '?', 63)}, signed with the key of ${keyFile}`,
    );
    for (const problem of verdict.problems) terminal.line(`  ${style('red', oneLine(problem, 300))}`);
  }
  return verdict.sound ? 0 : 1;
}

function noKey(path: string): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'cli.audit.key',
    message: `There is no public key in ${path}.`,
    remedy: 'Give the data/audit.pub of the installation that made the export: --key FILE.',
  });
}

function noFile(path: string): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'cli.audit.file',
    message: `There is no file ${path}.`,
    remedy: 'Make one: ./openlegion audit export --from 2026-11-01 > FILE.',
  });
}
