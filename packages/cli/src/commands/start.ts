import { existsSync, mkdirSync } from 'node:fs';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { chooseFirstRun, type FirstRunFlags } from '../configuration/choose-first-run.ts';
import { writeConfiguration } from '../configuration/write-configuration.ts';
import { createControlClient } from '../control/control-client.ts';
import { awaitImporter } from '../environment/await-importer.ts';
import { IMPORTER_PID } from '../environment/re-execute-clean.ts';
import { launchSupervisor } from '../supervisor/launch-supervisor.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { confirm } from '../terminal/confirm.ts';
import { createProgress } from '../terminal/progress.ts';
import { askForMissingKeys } from './ask-for-missing-keys.ts';
import { runSetup } from './run-setup.ts';

export interface StartOptions extends FirstRunFlags {
  detach?: boolean;
  sandbox?: boolean;
}

/** Starts the fleet: configuration (first run), engine and image, vault and host, missing keys; then talks, or returns. */
export async function start(context: CommandContext, options: StartOptions): Promise<number> {
  const { home, terminal, environment } = context;
  const running = runningSupervisor(home);
  if (running) {
    throw new OpenLegionError({
      code: 'conflict',
      rule: 'cli.running',
      message: `OpenLegion already runs for ${home} (pid ${running.pid}).`,
      remedy: 'Talk to it with ./openlegion chat NAME, or stop it with ./openlegion stop.',
    });
  }
  await configure(context, options);

  const sandbox = options.sandbox === true;
  const progress = createProgress(terminal);
  await runSetup({
    settings: { home, sandbox },
    progress,
    confirm: (question) => confirm(terminal, question, options.yes === true),
  });
  const detached = options.detach === true;
  const launched = await launchSupervisor(
    { home, sandbox, port: null, lifeline: !detached },
    (part) => progress.step(`Starting the ${part === 'scripted' ? 'scripted model' : part}`),
    progress.done,
  );
  progress.clear();
  if (!launched.started) {
    throw new OpenLegionError({ code: 'unavailable', rule: 'cli.start', ...launched });
  }
  const { supervisor } = launched;
  const importer = Number(environment[IMPORTER_PID]);
  if (Number.isInteger(importer) && importer > 1 && !(await awaitImporter(importer, 30_000))) {
    terminal.errorLine('The keys of the environment are not in the vault yet; see ./openlegion vault list.');
  }
  progress.done(`OpenLegion runs: control API on 127.0.0.1:${supervisor.port}, pid ${supervisor.pid}`);
  await askForMissingKeys(context, supervisor.run);

  const control = createControlClient(home);
  if (detached) {
    terminal.line(
      'Talk to it: ./openlegion chat NAME   See it: ./openlegion status   Stop it: ./openlegion stop',
    );
    return 0;
  }
  const { FleetStatus } = await import('@openlegion/contract/control-api');
  const { runRepl } = await import('../chat/repl.ts');
  const [first] = (await control.json(FleetStatus, { method: 'GET', path: '/api/status' })).agents;
  if (!first) {
    terminal.errorLine('There is no agent yet: add one to config/agents.yaml and start again.');
    await supervisor.stop();
    return 1;
  }
  terminal.line(terminal.style('dim', 'Type a message; /help shows the commands. /quit stops the fleet.'));
  const ended = supervisor.exited.then(() => 'ended' as const);
  const over = new AbortController();
  const quit = runRepl({ control, terminal, agent: first.name, onQuit: '', signal: over.signal }).then(
    () => 'quit' as const,
  );
  try {
    if ((await Promise.race([ended, quit])) === 'quit') terminal.line(terminal.style('dim', 'Stopping …'));
    else {
      terminal.errorLine('\nOpenLegion was stopped.');
      over.abort();
      await quit;
    }
    return 0;
  } finally {
    await supervisor.stop();
  }
}

async function configure({ home, terminal }: CommandContext, flags: FirstRunFlags): Promise<void> {
  if (existsSync(configPaths(home).mesh)) {
    if (flags.template ?? flags.provider ?? flags.model)
      terminal.errorLine(
        `${configPaths(home).directory} is there already: --template, --provider and --model are for the first run, and change nothing now.`,
      );
    return;
  }
  const decision = chooseFirstRun(flags);
  mkdirSync(home, { recursive: true });
  if (decision.complete) writeConfiguration(home, decision.choice);
  else if (terminal.interactive) {
    const { askFirstRun } = await import('../configuration/ask-first-run.ts');
    writeConfiguration(home, await askFirstRun(decision.given));
  } else {
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'cli.first_run',
      message: `There is no configuration in ${configPaths(home).directory} yet, and no terminal to ask in; missing: ${decision.missing.join(', ')}.`,
      remedy: 'For example: ./openlegion start -d --template sales --provider scripted --yes',
    });
  }
  terminal.line(`Wrote ${configPaths(home).directory}: mesh.yaml, agents.yaml, permissions.json, scripts/`);
}
