import type { Terminal } from './terminal/terminal.ts';

/** What every command is given. */
export interface CommandContext {
  home: string;
  terminal: Terminal;
  environment: NodeJS.ProcessEnv;
}

/** Runs a command for the installation that was named and keeps its exit code. */
export type RunCommand = (command: (context: CommandContext) => Promise<number>) => Promise<void>;
