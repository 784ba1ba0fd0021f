import type { Enforcer, PermissionsView } from '@openlegion/contract/control-permissions';
import { oneLine } from '../terminal/safe-text.ts';
import type { Style } from '../terminal/style.ts';

const LABEL = 21;

/**
 * What agents are granted, an agent a block. What only the agent's own loop holds to is marked, since it binds a model
 * that was misled and not a program that took the loop's place.
 */
export function permissionLines({ agents }: PermissionsView, style: Style): string[] {
  const lines: string[] = [];
  for (const { name, record, team, grants, tools } of agents) {
    if (lines.length > 0) lines.push('');
    const from = record === name ? 'its own record' : `the record "${record}"`;
    lines.push(
      `${style('bold', name)}  ${style('dim', `${from}, ${team === null ? 'no team' : `team ${team}`}`)}`,
    );
    const given = grants.filter(({ granted }) => granted.length > 0);
    for (const grant of given) {
      const mark = markOf(grant.enforcedBy, style);
      const [first = '', ...more] = wrap(grant.granted.map((entry) => oneLine(entry, 80)));
      lines.push(`  ${mark} ${grant.permission.padEnd(LABEL)} ${first}`);
      for (const line of more) lines.push(' '.repeat(5 + LABEL) + line);
    }
    const nothing = grants.filter(({ granted }) => granted.length === 0).map(({ permission }) => permission);
    if (nothing.length > 0)
      for (const [index, line] of wrap(nothing).entries())
        lines.push(style('dim', `    ${(index === 0 ? 'nothing of' : '').padEnd(LABEL)} ${line}`));
    const kinds = [
      ['tools: allow', tools.filter((tool) => tool.decision === 'allow' && tool.offered)],
      ['tools: ask', tools.filter((tool) => tool.decision === 'ask' && tool.offered)],
      ['not offered', tools.filter((tool) => tool.decision !== 'deny' && !tool.offered)],
    ] as const;
    for (const [kind, here] of kinds) {
      if (here.length === 0) continue;
      const names = here.map(({ tool, decision, enforcedBy, askHeldBy }) =>
        (decision === 'ask' ? askHeldBy : enforcedBy) === 'agent' ? `${tool}*` : tool,
      );
      for (const [index, line] of wrap(names).entries())
        lines.push(`    ${(index === 0 ? kind : '').padEnd(LABEL)} ${line}`);
    }
  }
  lines.push(
    '',
    style('dim', `${markOf('host', style)} refused outside of the container, by host, keeper or gateway`),
    style(
      'dim',
      `${markOf('agent', style)} and * only the agent's own loop holds to it; of a tool that asks: to the question`,
    ),
    style('dim', 'not offered: allowed_tools has it, and another grant, or somebody to ask, is missing'),
  );
  return lines;
}

export function markOf(enforcedBy: Enforcer, style: Style): string {
  return enforcedBy === 'agent' ? style('yellow', '○') : style('green', '●');
}

export function wrap(words: readonly string[], between = ', '): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 72)
      lines[lines.length - 1] = `${last}${between}${word}`;
    else lines.push(word);
  }
  return lines;
}
