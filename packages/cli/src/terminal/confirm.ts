import type { Terminal } from './terminal.ts';

/** Asks for a yes. Without a terminal the answer is what was given beforehand (`--yes`), and the question is shown. */
export async function confirm(terminal: Terminal, question: string, agreed: boolean): Promise<boolean> {
  if (agreed || !terminal.interactive) {
    terminal.errorLine(
      `${question} ${agreed ? 'yes (--yes)' : 'no (there is no terminal to ask in, and no --yes)'}`,
    );
    return agreed;
  }
  const { confirm: ask } = await import('@clack/prompts');
  return (await ask({ message: question, initialValue: false })) === true;
}
