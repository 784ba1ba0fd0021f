import type { Guarantee } from '@openlegion/contract/control-api';
import type { EnforcementStatement } from '@openlegion/contract/control-permissions';
import { safeText } from '../terminal/safe-text.ts';
import type { Style } from '../terminal/style.ts';
import { enforcementLines, enforcementTables } from './enforcement-lines.ts';

const AREAS: Record<Guarantee['area'], string> = {
  escape: 'The container',
  network: 'The network',
  credentials: 'Credentials',
  host: 'The host',
  budget: 'Budgets',
  limits: 'Limits',
  audit: 'The audit log',
};
const MARKS = { holds: '✓', broken: '✗', cannot_be_given: '–' } as const;
const WORDS = { holds: 'holds', broken: 'BROKEN', cannot_be_given: 'cannot be given here' } as const;
const TONES = { holds: 'green', broken: 'red', cannot_be_given: 'yellow' } as const;

function countVerdicts(guarantees: readonly Guarantee[]): Record<Guarantee['verdict'], number> {
  const counts = { holds: 0, broken: 0, cannot_be_given: 0 };
  for (const { verdict } of guarantees) counts[verdict] += 1;
  return counts;
}

function byArea(guarantees: readonly Guarantee[]): [string, Guarantee[]][] {
  return (Object.keys(AREAS) as Guarantee['area'][])
    .map((area): [string, Guarantee[]] => [
      AREAS[area],
      guarantees.filter((guarantee) => guarantee.area === area),
    ])
    .filter(([, found]) => found.length > 0);
}

export function formatReportText(
  guarantees: readonly Guarantee[],
  enforcement: EnforcementStatement,
  style: Style,
): string {
  const lines: string[] = [];
  for (const [title, found] of byArea(guarantees)) {
    lines.push(style('bold', title));
    for (const { id, promise, verdict, evidence, why } of found) {
      lines.push(`  ${style(TONES[verdict], MARKS[verdict])} ${safeText(promise)} ${style('dim', id)}`);
      for (const line of safeText(evidence).split('\n')) lines.push(style('dim', `      ${line}`));
      if (verdict !== 'holds')
        lines.push(`      ${style(TONES[verdict], `${WORDS[verdict]}:`)} ${safeText(why)}`);
    }
    lines.push('');
  }
  lines.push(...enforcementLines(enforcement, style), '');
  const { holds, broken, cannot_be_given: missing } = countVerdicts(guarantees);
  lines.push(`${holds} hold, ${broken} broken, ${missing} cannot be given on this machine.`);
  return lines.join('\n');
}

/** For a reviewer's file: every guarantee with its identifier, verdict and evidence. */
export function formatReportMarkdown(
  guarantees: readonly Guarantee[],
  enforcement: EnforcementStatement,
  about: { home: string; at: string },
): string {
  const { holds, broken, cannot_be_given: missing } = countVerdicts(guarantees);
  const lines = [
    '# OpenLegion: verification of an installation',
    '',
    `Installation: \`${about.home}\`. Made: ${about.at}.`,
    `Result: ${holds} guarantees hold, ${broken} are broken, ${missing} cannot be given on this machine.`,
    '',
  ];
  for (const [title, found] of byArea(guarantees)) {
    lines.push(`## ${title}`, '');
    for (const { id, promise, verdict, evidence, why } of found) {
      lines.push(
        `### ${safeText(promise)}`,
        '',
        `- Identifier: \`${id}\``,
        `- Verdict: **${WORDS[verdict]}**`,
      );
      if (verdict !== 'holds') lines.push(`- Why: ${safeText(why)}`);
      // Four spaces make it literal text, whatever the evidence holds.
      lines.push(
        '- Evidence:',
        '',
        ...safeText(evidence)
          .split('\n')
          .map((line) => `      ${line}`),
        '',
      );
    }
  }
  return `${[...lines, ...enforcementTables(enforcement)].join('\n')}\n`;
}
