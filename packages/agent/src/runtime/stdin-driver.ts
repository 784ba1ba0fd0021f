import { mkdirSync, writeFileSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { EVENTS_FOLLOW, readEventLine } from './event-lines.ts';
import type { ProgramDriver, ProgramEvent, ProgramRequest } from './program-driver.ts';
import { readLines } from './read-lines.ts';
import { renderRequest } from './render-request.ts';
import { RUNTIME_LIMITS } from './runtime-limits.ts';
import { programFailed, tooLongForArgument } from './runtime-refusals.ts';
import { type Program, startProgram } from './start-program.ts';

const MESSAGE = '{message}';

/**
 * One process a message: the message on its standard input, or in the place of `{message}` in its command; what it
 * prints is the answer, once it ends with 0. A first line of `EVENTS_FOLLOW` says that it prints events.
 */
export function createStdinDriver(options: {
  command: readonly string[];
  cwd: string;
  variables: () => Record<string, string>;
  /** Where the conversation is put, for programs that want to read it as data. */
  historyFile: string;
}): ProgramDriver {
  const { command, cwd, historyFile } = options;
  return {
    async *answer(request) {
      const text = renderRequest(request);
      const named = command.some((part) => part.includes(MESSAGE));
      mkdirSync(historyFile.slice(0, historyFile.lastIndexOf('/')), { recursive: true, mode: 0o700 });
      writeFileSync(historyFile, request.before.map((said) => `${JSON.stringify(said)}\n`).join(''), {
        mode: 0o600,
      });
      const program = await startProgram({
        command: named ? command.map((part) => withMessage(part, text)) : command,
        cwd,
        env: { ...options.variables(), ...told(request), OPENLEGION_HISTORY: historyFile },
      });
      const onAbort = () => void program.stop();
      request.signal.addEventListener('abort', onAbort, { once: true });
      if (request.signal.aborted) onAbort();
      try {
        if (!named) program.write(text);
        program.endInput();
        yield* said(program);
        const { code, signal } = await program.exited;
        if (request.signal.aborted || code === 0) return;
        const how = code === null ? `was killed by ${signal}` : `ended with code ${code}`;
        throw programFailed(program.name, how, program.lastWords());
      } finally {
        request.signal.removeEventListener('abort', onAbort);
        await program.stop();
      }
    },
  };
}

/** A text that begins like an option would be read as one, and whoever wrote the message would set it. */
function withMessage(part: string, text: string): string {
  const filled = part.replaceAll(MESSAGE, () => text);
  const bytes = Buffer.byteLength(filled);
  if (bytes > RUNTIME_LIMITS.argumentBytes - 1) throw tooLongForArgument(bytes, RUNTIME_LIMITS.argumentBytes);
  return part.startsWith(MESSAGE) && filled.startsWith('-') ? ` ${filled}` : filled;
}

function told({ messageId, traceId, from, instructions }: ProgramRequest): Record<string, string> {
  return {
    OPENLEGION_MESSAGE_ID: messageId,
    OPENLEGION_TRACE_ID: traceId,
    OPENLEGION_FROM: from,
    OPENLEGION_INSTRUCTIONS: instructions,
  };
}

/** Text as it comes; whether it is events shows with the end of the first line, or when that cannot be it. */
async function* said(program: Program): AsyncGenerator<ProgramEvent, void> {
  const output = program.output();
  const mark = Buffer.from(`${EVENTS_FOLLOW}\n`);
  let held = Buffer.alloc(0);
  for (;;) {
    const next = await output.next();
    if (next.done) break;
    held = Buffer.concat([held, next.value]);
    if (held.subarray(0, mark.length).equals(mark)) {
      return yield* events(joined(held.subarray(mark.length), output));
    }
    if (!mark.subarray(0, held.length).equals(held)) break;
  }
  const decoder = new StringDecoder('utf8');
  for await (const chunk of joined(held, output)) {
    const text = decoder.write(chunk);
    if (text !== '') yield { type: 'text', text };
  }
  const rest = decoder.end();
  if (rest !== '') yield { type: 'text', text: rest };
}

async function* joined(begun: Buffer, output: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield begun;
  yield* output;
}

async function* events(output: AsyncIterable<Buffer>): AsyncGenerator<ProgramEvent, void> {
  for await (const line of readLines(output, RUNTIME_LIMITS.lineBytes)) {
    const event = line === null ? undefined : readEventLine(line);
    if (event !== undefined) yield event;
  }
}
