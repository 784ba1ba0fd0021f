import type { Readable, Writable } from 'node:stream';
import { createStyle, type Style } from './style.ts';

/** Where a command reads and writes. */
export interface Terminal {
  input: Readable & { isTTY?: boolean };
  output: Writable & { isTTY?: boolean; columns?: number };
  errors: Writable & { isTTY?: boolean };
  /** A person sits at it: both ends are a terminal and this is no CI run. */
  interactive: boolean;
  style: Style;
  line(text?: string): void;
  errorLine(text: string): void;
}

export function processTerminal(environment: NodeJS.ProcessEnv): Terminal {
  const { stdin: input, stdout: output, stderr: errors } = process;
  // A reader that went away (`| head`) is no error of ours.
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    input,
    output,
    errors,
    interactive: Boolean(input.isTTY && output.isTTY) && environment.CI === undefined,
    style: createStyle({ isTty: Boolean(output.isTTY), environment }),
    line: (text = '') => void output.write(`${text}\n`),
    errorLine: (text) => void errors.write(`${text}\n`),
  };
}
