import type { SkillState } from '@openlegion/contract/skill-lock';
import type { CommandContext } from '../command-context.ts';
import { requireAgents } from '../configuration/require-agents.ts';
import { changeLines, reportLines } from '../skills/report-lines.ts';
import { runSkillProgram } from '../skills/run-skill-program.ts';
import { confirm } from '../terminal/confirm.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';

export interface InstallOptions {
  ref?: string;
  path?: string;
  name?: string;
  agent?: string[];
  yes?: boolean;
}

/** Installs a skill after showing what it asks for, or approves what has changed. */
export async function skillInstall(
  { home, terminal, environment }: CommandContext,
  source: string,
  { ref, path, name, agent: agents = [], yes = false }: InstallOptions,
): Promise<number> {
  requireAgents(home, agents);
  const done = await runSkillProgram(
    { do: 'install', home, source, ref: ref ?? null, folder: path ?? '', name: name ?? null, agents },
    {
      environment,
      confirm(report) {
        for (const line of reportLines(report)) terminal.line(line);
        return confirm(terminal, 'Install it as it is shown?', yes);
      },
    },
  );
  if (done.type !== 'installed') return 1;
  if (done.state === 'declined') {
    terminal.line('Nothing was installed.');
    return 1;
  }
  terminal.line(
    done.state === 'kept'
      ? `${done.name} is installed already, just as it is there.`
      : `${done.name} is installed. Agents that it is given to have it with their next message.`,
  );
  return 0;
}

export async function skillRemove(
  { home, terminal, environment }: CommandContext,
  name: string,
): Promise<number> {
  await runSkillProgram({ do: 'remove', home, name }, { environment });
  terminal.line(`${name} is removed; agents lose it with their next message.`);
  return 0;
}

export async function skillList(context: CommandContext, { json }: { json: boolean }): Promise<number> {
  const { terminal } = context;
  const skills = await installed(context);
  if (json) terminal.line(JSON.stringify(skills, null, 2));
  else if (skills.length === 0) terminal.line('No skills are installed.');
  else
    terminal.line(
      formatTable([
        ['SKILL', 'COMMIT', 'AGENTS', 'STATE', 'FROM'],
        ...skills.map(({ name, commit, agents, problem, source }) => [
          name,
          commit?.slice(0, 12) ?? '-',
          agents.join(', ') || '-',
          problem === null ? 'as approved' : 'CHANGED',
          oneLine(source, 80),
        ]),
      ]),
    );
  return 0;
}

/** Exit code 1 when anything on disk is not what was approved. */
export async function skillVerify(context: CommandContext, { json }: { json: boolean }): Promise<number> {
  const { terminal } = context;
  const skills = await installed(context);
  if (json) terminal.line(JSON.stringify(skills, null, 2));
  for (const { name, hash, problem, changes } of json ? [] : skills) {
    if (problem === null) {
      terminal.line(`${terminal.style('green', 'ok')}       ${name} ${hash.slice(0, 16)}`);
      continue;
    }
    terminal.line(
      `${terminal.style('red', 'changed')}  ${name}: ${oneLine(problem, 200)}. No agent is given it.`,
    );
    for (const line of changeLines(changes)) terminal.line(line);
  }
  if (!json && skills.length === 0) terminal.line('No skills are installed.');
  return skills.every(({ problem }) => problem === null) ? 0 : 1;
}

async function installed({ home, environment }: CommandContext): Promise<SkillState[]> {
  const answer = await runSkillProgram({ do: 'list', home }, { environment });
  return answer.type === 'list' ? answer.skills : [];
}
