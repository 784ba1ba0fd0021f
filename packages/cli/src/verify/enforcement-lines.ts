import { type EnforcementStatement, Enforcer } from '@openlegion/contract/control-permissions';
import { markOf, wrap } from '../permissions/permission-lines.ts';
import type { Style } from '../terminal/style.ts';

const NOT_A_VERDICT = 'Who refuses what is not granted when the whole container is hostile';
const MEANING =
  'Host, keeper and gateway are outside of the container. What the agent alone holds to is held by its own program: it binds a model that was misled, and not a program that took its place.';

/** What is built, by who holds to it: names alone, since how each is held to fills the report and the JSON. */
export function enforcementLines({ grants, tools }: EnforcementStatement, style: Style): string[] {
  const named = tools.map((tool) => ({ ...tool, name: tool.tool.replace(/^browser_.*/, 'browser_*') }));
  return [
    style('bold', NOT_A_VERDICT),
    '  Grants (config/permissions.json)',
    ...byEnforcer(
      grants.map(({ grant, enforcedBy }) => ({ name: grant, enforcedBy })),
      style,
    ),
    '  Tools, where what a model is offered is got around: their effect',
    ...byEnforcer(named, style),
    '  Tools that are set to "ask": a call that nobody approved',
    ...byEnforcer(
      named.map(({ name, askHeldBy }) => ({
        name: askHeldBy === 'agent' ? 'all others' : name,
        enforcedBy: askHeldBy,
      })),
      style,
    ),
    ...wrap(MEANING.split(' '), ' ').map((line) => style('dim', `  ${line}`)),
  ];
}

function byEnforcer(held: readonly { name: string; enforcedBy: Enforcer }[], style: Style): string[] {
  return Enforcer.options.flatMap((enforcer) => {
    const names = held.filter(({ enforcedBy }) => enforcedBy === enforcer).map(({ name }) => name);
    return wrap([...new Set(names)]).map((line, index) =>
      index === 0
        ? `    ${markOf(enforcer, style)} ${enforcer.padEnd(9)} ${line}`
        : `${' '.repeat(16)}${line}`,
    );
  });
}

/** The whole of it, for a reviewer's file. */
export function enforcementTables({ grants, tools }: EnforcementStatement): string[] {
  return [
    `## ${NOT_A_VERDICT}`,
    '',
    `A statement of what is built, not a verdict. ${MEANING}`,
    '',
    ...['| Grant | Held to by | How |', '|---|---|---|'],
    ...grants.map(({ grant, enforcedBy, how }) => `| \`${grant}\` | ${enforcedBy} | ${how} |`),
    '',
    ...['| Tool | Its effect | How | Its question, where it is set to `ask` |', '|---|---|---|---|'],
    ...tools.map(
      ({ tool, enforcedBy, how, askHeldBy }) => `| \`${tool}\` | ${enforcedBy} | ${how} | ${askHeldBy} |`,
    ),
    '',
  ];
}
