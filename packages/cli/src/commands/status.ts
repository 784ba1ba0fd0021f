import { FleetStatus } from '@openlegion/contract/control-api';
import { formatMicroUsd } from '@openlegion/contract/money';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { attentionLines } from '../coordination/task-lines.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';
import { warningLine } from '../terminal/warning-line.ts';

/** Exit code 0 when the fleet runs; otherwise the error says how to start it. */
export async function status(
  { home, terminal }: CommandContext,
  options: { json: boolean },
): Promise<number> {
  const found = await createControlClient(home).json(FleetStatus, { method: 'GET', path: '/api/status' });
  if (options.json) {
    terminal.line(JSON.stringify(found, null, 2));
    return 0;
  }
  const port = runningSupervisor(home)?.port;
  const { engine, vault } = found;
  terminal.line(
    `OpenLegion ${found.version} for ${home}, pid ${found.pid}, control API on 127.0.0.1:${port}, since ${found.startedAt}`,
  );
  terminal.line(
    engine.runtime
      ? `engine: ${engine.name} ${engine.version}, runtime ${engine.runtime}`
      : `engine: ${engine.name}${engine.reason === null ? '' : `: ${engine.reason}`}`,
  );
  if (engine.cannotEnforce.length > 0)
    terminal.line(`  cannot enforce here: ${engine.cannotEnforce.join(', ')}`);
  const up = (part: boolean) => (part ? terminal.style('green', 'up') : terminal.style('red', 'down'));
  terminal.line(`vault: keeper ${up(vault.keeper)}, gateway ${up(vault.gateway)}`);
  for (const { model, lastStatus, until } of found.cooling)
    terminal.line(
      terminal.style(
        'yellow',
        `cooling: ${oneLine(model, 80)} until ${until.slice(0, 19)}Z (answered ${lastStatus || 'nothing'})`,
      ),
    );
  for (const warning of found.warnings) terminal.line(warningLine(warning, terminal.style));
  for (const line of attentionLines(found.attention)) terminal.line(terminal.style('yellow', line));
  terminal.line();
  terminal.line(agentTable(found));
  return 0;
}

export function agentTable(found: FleetStatus): string {
  return formatTable([
    ['AGENT', 'ROLE', 'STATE', 'QUEUED', 'MEMORY', 'SPENT TODAY', 'CONTAINER', 'MODEL'],
    ...found.agents.map((agent) => [
      agent.name,
      oneLine(agent.role, 24),
      agent.reason ? `${agent.state} (${oneLine(agent.reason, 60)})` : agent.state,
      String(agent.queued),
      agent.memoryBytes === null ? '-' : `${Math.round(agent.memoryBytes / 1024 / 1024)} MiB`,
      `${formatMicroUsd(agent.spentTodayMicroUsd)} of ${formatMicroUsd(agent.dailyMicroUsd)}`,
      agent.containerId?.slice(0, 12) ?? '-',
      agent.model,
    ]),
  ]);
}
