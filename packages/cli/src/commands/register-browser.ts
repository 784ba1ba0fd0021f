import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion browser …` */
export function registerBrowser(program: Command, run: RunCommand): void {
  const browser = program.command('browser').description('the browsers of agents');
  browser
    .command('view <agent>')
    .description("watch an agent's browser in your own, and take over; starts it where none runs")
    .option('--out <file>', 'only write one picture of it (JPEG)')
    .action((agent: string, options: { out?: string }) =>
      run(async (context) => {
        const { browserView } = await import('./browser-view.ts');
        return browserView(context, agent, options);
      }),
    );
}
