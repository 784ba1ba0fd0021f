import type { ControlClient } from '../control/control-client.ts';
import { followMessage } from '../control/follow-message.ts';
import { sendMessage } from '../control/send-message.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { createTurnPrinter } from './turn-printer.ts';

/** How long a conversation waits for a host that is away before it gives up (the message itself is safe). */
export const HOST_PATIENCE_MS = 60_000;

/** 128 and the number of SIGINT, as shells have it. */
const INTERRUPTED = 130;

/**
 * One message and its answer: the answer on standard output, notes on standard error. Exit code 0 when the agent
 * answered, 1 when it was refused, failed or was cancelled. With `json` every event is one line on standard output.
 * Ctrl-C ends the process with 130 and leaves the agent at work.
 */
export async function oneShot(options: {
  control: ControlClient;
  terminal: Terminal;
  agent: string;
  text: string;
  json: boolean;
}): Promise<number> {
  const { control, terminal, agent, text, json } = options;
  const accepted = await sendMessage(control, agent, text);
  const { messageId } = accepted;
  const printer = createTurnPrinter({
    messageId,
    agent,
    write: (piece) => void terminal.output.write(piece),
    note: (line) => terminal.errorLine(line),
    style: terminal.style,
  });
  if (json) terminal.line(JSON.stringify({ type: 'accepted', ...accepted }));
  const leave = () => {
    terminal.errorLine(`\n  (the agent goes on; see ./openlegion trace show ${messageId})`);
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', leave);
  let done = false;
  const events = followMessage({
    control,
    messageId,
    patienceMs: HOST_PATIENCE_MS,
    onAway: () => printer.aside(terminal.style('dim', '  (the host is away; waiting for it)')),
  });
  for await (const event of events) {
    if (json) {
      terminal.line(JSON.stringify(event));
      if (event.messageId === messageId && event.event.type === 'message_settled')
        done = event.event.status === 'done';
    } else {
      printer.print(event);
      done = printer.outcome()?.done ?? false;
    }
  }
  process.off('SIGINT', leave);
  return done ? 0 : 1;
}
