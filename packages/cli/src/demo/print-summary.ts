import { relative } from 'node:path';
import { formatMicroUsd } from '@openlegion/contract/money';
import { oneLine } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { DEMO_AGENTS } from './expectations.ts';
import type { DemoOutcome } from './run-demo.ts';

/** The end of the demo: who ran where, did and spent what, what was refused by which rule, and where the result is. */
export function printSummary(outcome: DemoOutcome, terminal: Terminal, cwd: string): void {
  const { seen, costs, expectations, resultFile, egress } = outcome;
  const { style } = terminal;
  terminal.line(`\n${style('bold', 'Summary')}`);
  terminal.line(
    formatTable([
      ['AGENT', 'CONTAINER', 'DID', 'MODEL CALLS', 'SPENT'],
      ...DEMO_AGENTS.map((name) => {
        const agent = seen.agent(name);
        const spending = costs.agents[name];
        const did = [
          ...[...agent.tools].map(([tool, count]) =>
            count > 1 ? `${oneLine(tool, 20)} ×${count}` : oneLine(tool, 20),
          ),
        ].join(', ');
        return [
          name,
          agent.containerId?.slice(0, 12) ?? '-',
          did || '-',
          String(spending?.calls ?? agent.modelCalls),
          spending
            ? `${formatMicroUsd(spending.spentTodayMicroUsd)} of ${formatMicroUsd(spending.dailyMicroUsd)}`
            : '-',
        ];
      }),
      [
        'fleet',
        '',
        '',
        String(costs.fleet.calls),
        `${formatMicroUsd(costs.fleet.spentTodayMicroUsd)} of ${formatMicroUsd(costs.fleet.dailyMicroUsd)}`,
      ],
    ]),
  );
  if (seen.refusals.length + egress.length > 0) {
    terminal.line(`\n${style('bold', 'Refused')}`);
    terminal.line(
      formatTable([
        ...seen.refusals.map(({ agent, refusal }) => [agent, refusal.rule, oneLine(refusal.message, 200)]),
        ...egress.map(({ actor, rule, subject }) => [actor, rule, `to ${oneLine(subject, 80)}`]),
      ]),
    );
  }
  terminal.line(`\n${style('bold', 'What was to be shown')}`);
  for (const { text, met, evidence } of expectations) {
    terminal.line(`${met ? style('green', '✓') : style('red', '✗')} ${text}`);
    terminal.line(style('dim', `    ${evidence}`));
  }
  terminal.line();
  if (resultFile) terminal.line(`Result: ${relative(cwd, resultFile) || resultFile}`);
}
