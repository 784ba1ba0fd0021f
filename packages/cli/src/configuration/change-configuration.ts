import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { reloadConfiguration } from '../control/reload-configuration.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { lineDiff } from './line-diff.ts';

/**
 * Changes one configuration file: shows the lines that change, replaces the file in one step and has a running host
 * read it. What the host refuses is taken back. `edit` returns null where nothing changes.
 */
export async function changeConfiguration(
  { home, terminal }: CommandContext,
  path: string,
  edit: (text: string) => string | null,
): Promise<'changed' | 'unchanged'> {
  const before = read(path);
  const after = edit(before);
  if (after === null || after === before) return 'unchanged';
  terminal.line(`${path}:`);
  for (const line of lineDiff(before, after))
    terminal.line(terminal.style(line.startsWith('-') ? 'red' : 'green', `  ${line}`));
  replace(path, after);
  const running = runningSupervisor(home);
  if (!running || running.port === 0) {
    terminal.line('It takes effect at the next start.');
    return 'changed';
  }
  try {
    const { restarted } = await reloadConfiguration(home);
    terminal.line(`It is in effect${restarted.length > 0 ? `; restarted: ${restarted.join(', ')}` : ''}.`);
    return 'changed';
  } catch (error) {
    if (!(error instanceof OpenLegionError)) throw error;
    if (error.code === 'unavailable') {
      terminal.line('The host is away: it takes effect when it is back.');
      return 'changed';
    }
    replace(path, before);
    terminal.errorLine('The host refused the change, and the file is as it was.');
    throw error;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'not_found',
        rule: 'cli.configuration',
        message: `${path} cannot be read.`,
        remedy: 'Name the installation with --home, or write its configuration with ./openlegion start.',
      },
      { cause },
    );
  }
}

function replace(path: string, text: string): void {
  const next = `${path}.new`;
  const { mode } = statSync(path);
  rmSync(next, { force: true });
  const file = openSync(next, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(next, mode & 0o777);
  renameSync(next, path);
}
