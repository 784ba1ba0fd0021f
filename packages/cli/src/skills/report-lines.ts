import type { SkillReport } from '@openlegion/contract/skill-lock';
import { oneLine } from '../terminal/safe-text.ts';

const WIDTH = 110;
const MAX_FILES = 60;

/** What a person is shown before a yes: everything by which the skill can be told, and all that it asks for. */
export function reportLines(report: SkillReport): string[] {
  const { files, changes } = report;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const list = (label: string, values: readonly string[], none: string) =>
    values.length === 0
      ? [`  ${label}: ${none}`]
      : [`  ${label}:`, ...values.map((value) => `    ${oneLine(value, WIDTH)}`)];
  return [
    `Skill ${report.name}`,
    `  from: ${oneLine(report.source, WIDTH)}${report.folder === '' ? '' : `, folder ${oneLine(report.folder, WIDTH)}`}`,
    ...(report.commit === null
      ? []
      : [`  commit: ${report.commit}${report.ref === null ? '' : ` (${oneLine(report.ref, 60)})`}`]),
    `  hash: ${report.hash}`,
    `  given to: ${report.agents.join(', ') || 'no agent yet (--agent NAME)'}`,
    ...list(
      'instructions',
      report.packs.map(({ name, description }) => `${name}: ${description}`),
      'none',
    ),
    ...list('tools, each to be granted by allowed_tools', report.tools, 'none'),
    ...list('programs', report.scripts, 'none'),
    ...list('hosts it speaks of, reached only where allowed_domains grants them', report.hosts, 'none'),
    ...list('environment variables it speaks of', report.variables, 'none'),
    ...list('credentials it speaks of', report.credentials, 'none'),
    ...(report.warnings.length === 0 ? [] : list('LOOK AT', report.warnings, '')),
    `  files: ${files.length}, ${bytes} bytes`,
    ...files.slice(0, MAX_FILES).map(({ path, bytes: size }) => `    ${oneLine(path, WIDTH)} (${size})`),
    ...(files.length > MAX_FILES ? [`    and ${files.length - MAX_FILES} more`] : []),
    ...(changes === null ? [] : changeLines(changes)),
    'What it says of itself may be untrue. What it can do is what its agents are granted, and nothing of it was run.',
  ];
}

export function changeLines(changes: { added: string[]; changed: string[]; removed: string[] }): string[] {
  const lines = [
    ...changes.added.map((path) => `    + ${oneLine(path, WIDTH)}`),
    ...changes.changed.map((path) => `    ~ ${oneLine(path, WIDTH)}`),
    ...changes.removed.map((path) => `    - ${oneLine(path, WIDTH)}`),
  ];
  return lines.length === 0 ? [] : ['  against what was approved:', ...lines.slice(0, MAX_FILES)];
}
