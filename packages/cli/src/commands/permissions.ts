import { PermissionCheck, PermissionsDiff, PermissionsView } from '@openlegion/contract/control-permissions';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { permissionLines } from '../permissions/permission-lines.ts';
import { oneLine } from '../terminal/safe-text.ts';

export async function permissionsShow(
  { home, terminal }: CommandContext,
  { agent, json }: { agent: string | undefined; json: boolean },
): Promise<number> {
  const path = `/api/permissions${agent === undefined ? '' : `?${new URLSearchParams({ agent })}`}`;
  const view = await createControlClient(home).json(PermissionsView, { method: 'GET', path });
  if (json) terminal.line(JSON.stringify(view, null, 2));
  else for (const line of permissionLines(view, terminal.style)) terminal.line(line);
  return 0;
}

/** Exit code 1 when it would be refused, so that a script can ask. */
export async function permissionsCheck(
  { home, terminal }: CommandContext,
  { json, ...asked }: { agent: string; permission: string; key: string; json: boolean },
): Promise<number> {
  const { style } = terminal;
  const path = `/api/permissions/check?${new URLSearchParams(asked)}`;
  const found = await createControlClient(home).json(PermissionCheck, { method: 'GET', path });
  const code = found.decision === 'denied' ? 1 : 0;
  if (json) {
    terminal.line(JSON.stringify(found, null, 2));
    return code;
  }
  const word = {
    allowed: style('green', '✓ allowed'),
    ask: style('yellow', '? asks a person'),
    denied: style('red', '✗ denied'),
  }[found.decision];
  terminal.line(
    `${word}: ${found.agent} ${found.permission} ${oneLine(found.key, 200)} ${style('dim', `[${found.rule}]`)}`.replace(
      '  ',
      ' ',
    ),
  );
  terminal.line(`  ${oneLine(found.why, 400)}`);
  terminal.line(style('dim', `  held to by the ${found.enforcedBy}: ${found.how}`));
  if (found.remedy !== null) terminal.line(`  ${oneLine(found.remedy, 400)}`);
  return code;
}

/** Exit code 1 when the files differ from what is in force. */
export async function permissionsDiff(
  { home, terminal }: CommandContext,
  { json }: { json: boolean },
): Promise<number> {
  const { style } = terminal;
  const diff = await createControlClient(home).json(PermissionsDiff, {
    method: 'GET',
    path: '/api/permissions/diff',
  });
  const { changes, meaning, others } = diff;
  const same = changes.length + meaning.length + others.length === 0;
  if (json) {
    terminal.line(JSON.stringify(diff, null, 2));
    return same ? 0 : 1;
  }
  if (same) terminal.line('The files are as what is in force.');
  let agent = '';
  for (const change of changes) {
    if (change.agent !== agent) terminal.line(style('bold', change.agent));
    agent = change.agent;
    const granted = change.change === 'granted';
    terminal.line(
      style(
        granted ? 'green' : 'red',
        `  ${granted ? '+' : '-'} ${change.permission.padEnd(20)} ${oneLine(change.entry, 200)}`,
      ),
    );
  }
  for (const sentence of meaning) terminal.line(`${style('yellow', '!')} ${oneLine(sentence, 400)}`);
  if (others.length > 0) terminal.line(`Besides: ${oneLine(others.join(', '), 1000)}`);
  if (!same)
    terminal.line(
      style('dim', 'They take effect with ./openlegion permissions grant or revoke, or at a start.'),
    );
  return same ? 0 : 1;
}
