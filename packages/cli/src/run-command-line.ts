import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal, RefusalBody } from '@openlegion/contract/refusal';
import { Command, CommanderError, Option } from 'commander';
import type { CommandContext, RunCommand } from './command-context.ts';
import { linesOption } from './commands/lines-option.ts';
import { registerApprovals } from './commands/register-approvals.ts';
import { registerBrowser } from './commands/register-browser.ts';
import { registerBudget } from './commands/register-budget.ts';
import { registerCoordination } from './commands/register-coordination.ts';
import { registerEgress } from './commands/register-egress.ts';
import { registerMcp } from './commands/register-mcp.ts';
import { registerModels } from './commands/register-models.ts';
import { registerPermissions } from './commands/register-permissions.ts';
import { registerReplay } from './commands/register-replay.ts';
import { registerSkill } from './commands/register-skill.ts';
import { registerToken } from './commands/register-token.ts';
import { registerTrace } from './commands/register-trace.ts';
import { registerVault } from './commands/register-vault.ts';
import { registerWorkflow } from './commands/register-workflow.ts';
import { registerWorkspace } from './commands/register-workspace.ts';
import { resolveHome, takeHomeOption } from './configuration/resolve-home.ts';
import { ROOT } from './programs.ts';
import { processTerminal, type Terminal } from './terminal/terminal.ts';

const FAULT = 'cli.fault';
/** Errors of files that a person can do something about. */
const OF_FILES: ReadonlySet<unknown> = new Set(
  'EACCES EPERM EROFS ENOSPC EDQUOT EEXIST ENOTDIR EISDIR ENOENT'.split(' '),
);
const HELP = './openlegion --help shows what there is.';

/** Runs one command and returns its exit code: 0, 1 for what went wrong, 2 for a wrong call. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const terminal = processTerminal(process.env);
  try {
    return await dispatch(argv, terminal);
  } catch (error) {
    // What comes behind `--` is text for an agent.
    const asked = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
    return showError(error, terminal, asked.includes('--json'));
  }
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { home: named, rest } = takeHomeOption(argv);
  const contextFor = (config?: string): CommandContext => ({
    home: resolveHome({ home: named, config, environment: process.env, root: ROOT, cwd: process.cwd() }),
    terminal,
    environment: process.env,
  });
  let code = 0;
  const run: RunCommand = async (command) => {
    code = await command(contextFor());
  };
  const program = new Command('openlegion')
    .description('Runs fleets of AI agents as untrusted workloads, and proves what it promises.')
    .option(
      '--home <path>',
      'the installation: where config/ and data/ are (default: $OPENLEGION_HOME, or this clone)',
    )
    .version('0.1.0')
    .showHelpAfterError(HELP)
    .showSuggestionAfterError(true)
    .configureOutput({ writeErr: (text) => void terminal.errors.write(text) })
    .exitOverride();

  program
    .command('start')
    .description('start the fleet; the first run asks what it needs and writes the configuration')
    .option('--config <path>', 'the mesh.yaml of the installation to start')
    .option('-d, --detach', 'run in the background')
    .option('--sandbox', 'run agents in the strongest sandbox that the container engine offers')
    .option('--template <name>', 'first run: starter, sales, devteam or content')
    .option(
      '--provider <id>',
      'first run: a model provider (openai, anthropic, …) or scripted, which needs no key',
    )
    .option('--model <name>', "first run: the provider's model")
    .option('--yes', 'take the defaults for what is not given, and agree to what would be asked')
    .action(async (options) => {
      const { start } = await import('./commands/start.ts');
      code = await start(contextFor(options.config), options);
    });
  program
    .command('stop')
    .description('stop the fleet')
    .action(async () => {
      const { stop } = await import('./commands/stop.ts');
      code = await stop(contextFor());
    });
  program
    .command('reload')
    .description('put in force what was edited in config/; a mistake in it changes nothing')
    .action(() =>
      run(async (context) => {
        const { reload } = await import('./commands/reload.ts');
        return reload(context);
      }),
    );
  program
    .command('chat')
    .description('talk to an agent; with TEXT, or with text on standard input, one message')
    .argument('<agent>')
    .argument('[text...]')
    .option('--json', 'print every event as one line of JSON')
    .action(async (agent: string, words: string[], options) => {
      const { chat } = await import('./commands/chat.ts');
      code = await chat(contextFor(), { agent, text: words.join(' '), json: options.json === true });
    });
  program
    .command('status')
    .description('show the agents and what they run on')
    .option('--json', 'as JSON')
    .action(async (options) => {
      const { status } = await import('./commands/status.ts');
      code = await status(contextFor(), { json: options.json === true });
    });
  program
    .command('costs')
    .description('show what was spent')
    .option('--json', 'as JSON')
    .action(async (options) => {
      const { costs } = await import('./commands/costs.ts');
      code = await costs(contextFor(), { json: options.json === true });
    });

  registerVault(program, run);
  registerBudget(program, run);
  registerEgress(program, run);
  registerWorkflow(program, run);
  registerWorkspace(program, run);
  registerCoordination(program, run);
  registerApprovals(program, run);
  registerModels(program, run);
  registerBrowser(program, run);
  registerSkill(program, run);
  registerMcp(program, run);
  registerPermissions(program, run);
  registerReplay(program, run);
  registerToken(program, run);
  registerTrace(program, run);

  const audit = program.command('audit').description('the record of every decision');
  audit
    .command('verify [file]')
    .description(
      'check the hash chains and their signed checkpoints, or an export; exit code 1 when something was changed',
    )
    .option('--key <file>', 'the public key for an export (default: data/audit.pub)')
    .option('--json', 'as JSON')
    .action(async (file, options) => {
      if (file === undefined) {
        const { auditVerify } = await import('./commands/audit.ts');
        code = await auditVerify(contextFor(), { json: options.json === true });
      } else {
        const { auditVerifyFile } = await import('./commands/audit-export.ts');
        code = await auditVerifyFile(contextFor(), file, options);
      }
    });
  audit
    .command('tail')
    .description('show the newest records')
    .addOption(linesOption('how many', 20))
    .addOption(new Option('--chain <name>', 'which chain').choices(['host', 'keeper']).default('host'))
    .option('--json', 'as lines of JSON')
    .action(async (options) => {
      const { auditTail } = await import('./commands/audit.ts');
      code = await auditTail(contextFor(), {
        lines: options.lines,
        chain: options.chain,
        json: options.json === true,
      });
    });
  audit
    .command('export')
    .description('write the records of both chains as lines of JSON to standard output, signed by the keeper')
    .option('--from <time>', 'a date or time of ISO 8601; otherwise from the first')
    .option('--to <time>', 'a date or time of ISO 8601; otherwise until now')
    .action(async (options) => {
      const { auditExport } = await import('./commands/audit-export.ts');
      code = await auditExport(contextFor(), options);
    });

  program
    .command('verify')
    .description(
      'attack this installation from inside a real container and show each guarantee with its evidence',
    )
    .option('--json', 'as JSON')
    .option('--report <file>', 'also write a report for a reviewer (Markdown)')
    .action(async (options) => {
      const { verify } = await import('./commands/verify.ts');
      code = await verify(contextFor(), { json: options.json === true, report: options.report });
    });
  program
    .command('demo')
    .description(
      'three agents in three containers work through a list of prospects, and one of them misbehaves',
    )
    .option('--provider <id>', 'a real provider instead of the built-in scripted model')
    .option('--model <name>', "the provider's model")
    .option('--keep', 'continue with the data of the last run')
    .option('--yes', 'agree to what would be asked (installing a container engine with sudo)')
    .action(async (options) => {
      const { demo } = await import('./commands/demo.ts');
      code = await demo({ terminal, environment: process.env }, { ...options, home: named });
    });

  if (rest.length === 0) {
    program.outputHelp();
    return 0;
  }
  await program.parseAsync([...rest], { from: 'user' });
  return code;
}

/** On standard error for people; with `json` on standard output too, in the form of every refusal on a wire. */
function showError(error: unknown, terminal: Terminal, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const refusal = refusalOf(error);
  const body: RefusalBody = { type: 'error', error: { type: 'openlegion_refusal', ...refusal } };
  if (json) terminal.line(JSON.stringify(body));
  // Commander has said it already.
  if (error instanceof CommanderError) return 2;
  const inside = refusal.rule === FAULT && error instanceof Error ? error.stack : undefined;
  terminal.errorLine(`${terminal.style('red', 'error:')} ${inside ?? refusal.message}`);
  if (refusal.remedy) terminal.errorLine(`  ${refusal.remedy.replaceAll('\n', '\n  ')}`);
  return 1;
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof OpenLegionError) return error.refusal;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof CommanderError) {
    return { code: 'bad_request', rule: 'cli.usage', message: message.replace(/^error: /, ''), remedy: HELP };
  }
  if (error instanceof Error && 'code' in error && OF_FILES.has(error.code)) {
    const remedy = 'Check the path, whose it is, and that the disk has room.';
    return { code: 'unavailable', rule: 'cli.system', message, remedy };
  }
  const remedy = 'This is a fault of OpenLegion itself; please report it with the text above.';
  return { code: 'internal', rule: FAULT, message, remedy };
}
