import type { Terminal } from './terminal/terminal.ts';

/** What every command is given. */
export interface CommandContext {
  home: string;
  terminal: Terminal;
  environment: NodeJS.ProcessEnv;
}
