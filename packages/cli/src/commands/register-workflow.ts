import { type Command, Option } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion workflow …` */
export function registerWorkflow(program: Command, run: RunCommand): void {
  const workflow = program.command('workflow').description('which agent does what after which other');
  const load = () => import('./workflow.ts');
  const loadRuns = () => import('./workflow-run.ts');
  workflow
    .command('list')
    .description('show the workflows of config/workflows, and what agents propose')
    .option('--json', 'as JSON')
    .action((options) => run(async (context) => (await load()).workflowList(context, options)));
  workflow
    .command('validate [file]')
    .description('check one definition, or all; exit code 1 where something is wrong')
    .option('--json', 'as JSON')
    .action((file, options) =>
      run(async (context) => (await load()).workflowValidate(context, file, options)),
    );
  workflow
    .command('plan <name>')
    .description(
      'show the steps, their grants and a bound on the cost; exit code 1 when it could not succeed',
    )
    .option('--json', 'as JSON')
    .action((name, options) => run(async (context) => (await load()).workflowPlan(context, name, options)));
  workflow
    .command('graph <name>')
    .description('draw it')
    .addOption(new Option('--as <form>', 'how').choices(['text', 'mermaid', 'svg']).default('text'))
    .action((name, options) => run(async (context) => (await load()).workflowGraph(context, name, options)));
  workflow
    .command('accept <name>')
    .description('let a definition run, by its name (after showing it) or its hash')
    .option('--yes', 'agree to what would be asked')
    .action((name, options) => run(async (context) => (await load()).workflowAccept(context, name, options)));
  workflow
    .command('revoke <name>')
    .description('take that back: no further run starts')
    .action((name) => run(async (context) => (await load()).workflowRevoke(context, name)));
  workflow
    .command('run <name>')
    .description('start a run')
    .option('--payload <json>', 'what it is started with: JSON, or @FILE')
    .option('--key <key>', 'same key, same run')
    .option('--wait', 'stay until it is over; exit code 1 unless it is done')
    .option('--json', 'as JSON')
    .action((name, options) =>
      run(async (context) => (await loadRuns()).workflowRun(context, name, options)),
    );
  workflow
    .command('status [run]')
    .description('show one run, or the newest')
    .option('--json', 'as JSON')
    .action((id, options) => run(async (context) => (await loadRuns()).workflowStatus(context, id, options)));
  workflow
    .command('cancel <run>')
    .description('end a run: what waits is dropped, what runs is cancelled')
    .action((id) => run(async (context) => (await loadRuns()).workflowCancel(context, id)));
  workflow
    .command('approve <run> <step>')
    .description('answer what a step asks, after showing it whole')
    .option('--deny', 'say no')
    .option('--hash <sha256>', 'of what was read; asked for where there is no terminal')
    .option('--note <text>', 'kept with the answer')
    .action((id, step, options) =>
      run(async (context) => {
        const approval = await (await loadRuns()).approvalOfStep(context, id, step);
        const { approvalsAnswer } = await import('./approvals.ts');
        return approvalsAnswer(context, approval, { ...options, approve: options.deny !== true });
      }),
    );
}
