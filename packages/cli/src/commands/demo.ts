import { resolve } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { chooseFirstRun } from '../configuration/choose-first-run.ts';
import { createControlClient } from '../control/control-client.ts';
import { prepareDemoHome } from '../demo/demo-home.ts';
import { printSummary } from '../demo/print-summary.ts';
import { runDemo } from '../demo/run-demo.ts';
import { awaitImporter } from '../environment/await-importer.ts';
import { IMPORTER_PID } from '../environment/re-execute-clean.ts';
import { DEMO_HOME } from '../programs.ts';
import { launchSupervisor } from '../supervisor/launch-supervisor.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { confirm } from '../terminal/confirm.ts';
import { createProgress } from '../terminal/progress.ts';
import { askForMissingKeys } from './ask-for-missing-keys.ts';
import { runSetup } from './run-setup.ts';

/** Exit code 0 only when everything that the demo is to show was seen. Stops what it started, whatever happens. */
export async function demo(
  { terminal, environment }: Omit<CommandContext, 'home'>,
  options: { home?: string | undefined; provider?: string; model?: string; keep?: boolean; yes?: boolean },
): Promise<number> {
  const home = options.home ? resolve(options.home) : DEMO_HOME;
  const running = runningSupervisor(home);
  if (running) {
    throw new OpenLegionError({
      code: 'conflict',
      rule: 'cli.demo.running',
      message: `A demo runs already (pid ${running.pid}).`,
      remedy: `Wait for it, or stop it: ./openlegion stop --home ${home}`,
    });
  }
  if (options.model && !options.provider) {
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'cli.demo.model',
      message: 'A model was named, and no provider.',
      remedy: `For example: ./openlegion demo --provider openai --model ${options.model}`,
    });
  }
  const choice = chooseFirstRun({
    template: 'sales',
    provider: options.provider ?? 'scripted',
    model: options.model,
  });
  if (!choice.complete) {
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'cli.demo.model',
      message: `Which model of ${options.provider}?`,
      remedy: `For example: ./openlegion demo --provider ${options.provider} --model NAME`,
    });
  }
  const { model } = choice.choice;
  const scripted = model.startsWith('scripted/');
  terminal.line(
    terminal.style('bold', 'OpenLegion demo: three agents, three containers, one of them misled'),
  );
  terminal.line(
    scripted
      ? 'The model is the built-in scripted one: it plays a script and costs nothing. Everything else is real.'
      : `The model is ${model}; its calls are billed to your key.`,
  );
  prepareDemoHome({ home, keep: options.keep === true, model });
  const progress = createProgress(terminal);
  await runSetup({
    settings: { home, sandbox: false },
    progress,
    confirm: (question) => confirm(terminal, question, options.yes === true),
  });

  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal);
  const launched = await launchSupervisor(
    { home, sandbox: false, port: 0, lifeline: true },
    (part) => progress.step(`Starting the ${part === 'scripted' ? 'scripted model' : part}`),
    progress.done,
  );
  progress.clear();
  if (!launched.started) throw new OpenLegionError({ code: 'unavailable', rule: 'cli.start', ...launched });
  const { supervisor } = launched;
  try {
    progress.done('keeper, gateway, scripted model and host run');
    const importer = Number(environment[IMPORTER_PID]);
    if (Number.isInteger(importer) && importer > 1) await awaitImporter(importer, 30_000);
    if (!scripted) await askForMissingKeys({ home, terminal, environment }, supervisor.run);
    const story = runDemo({
      control: createControlClient(home),
      terminal,
      home,
      run: supervisor.run,
      scripted,
    });
    const stopped = new Promise<null>((resolve) =>
      interrupted.signal.addEventListener('abort', () => resolve(null), { once: true }),
    );
    const outcome = await Promise.race([story, stopped]);
    if (!outcome) {
      story.catch(() => {});
      terminal.errorLine('\nInterrupted; stopping.');
      return 130;
    }
    printSummary(outcome, terminal, process.cwd());
    return outcome.expectations.every(({ met }) => met) ? 0 : 1;
  } finally {
    await supervisor.stop();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal);
  }
}
