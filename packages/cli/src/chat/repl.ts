import { createInterface } from 'node:readline';
import { FleetStatus } from '@openlegion/contract/control-api';
import { WorkflowList } from '@openlegion/contract/control-workflow';
import { Costs } from '@openlegion/contract/costs';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { unknownAgent } from '../commands/chat.ts';
import { costTable } from '../commands/costs.ts';
import { agentTable } from '../commands/status.ts';
import type { ControlClient } from '../control/control-client.ts';
import { followMessage } from '../control/follow-message.ts';
import { sendMessage } from '../control/send-message.ts';
import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { workflowTable } from '../workflow/workflow-table.ts';
import { HOST_PATIENCE_MS } from './one-shot.ts';
import { parseReplLine, REPL_HELP, type ReplLine } from './slash-command.ts';
import { createTurnPrinter } from './turn-printer.ts';

const Steered = z.object({ steered: z.boolean() });
const Cancelled = z.object({ cancelled: z.boolean() });

/** A conversation in the terminal, until /quit or the end of input. Messages typed meanwhile wait in the agent's lane. */
export async function runRepl(options: {
  control: ControlClient;
  terminal: Terminal;
  agent: string;
  onQuit: string;
  /** Ends the conversation from outside. */
  signal?: AbortSignal;
}): Promise<void> {
  const { control, terminal, onQuit } = options;
  const { style } = terminal;
  let agent = options.agent;
  let following = 0;
  const turns = new Set<Promise<void>>();
  const leaving = new AbortController();
  const lines = createInterface({
    input: terminal.input,
    output: terminal.output,
    terminal: terminal.interactive,
  });

  let open = true;
  lines.once('close', () => {
    open = false;
  });

  options.signal?.addEventListener('abort', () => lines.close(), { once: true });

  const prompt = () => {
    lines.setPrompt(`${style('green', agent)} › `);
    if (following === 0 && open && terminal.interactive) lines.prompt(true);
  };
  const showError = (error: unknown) => {
    if (!(error instanceof OpenLegionError)) throw error;
    terminal.errorLine(`${style('red', 'error:')} ${error.message}`);
    if (error.remedy) terminal.errorLine(`  ${error.remedy}`);
  };

  const follow = async (to: string, text: string) => {
    following += 1;
    try {
      const { messageId, ahead } = await sendMessage(control, to, text);
      if (ahead > 0) terminal.line(style('dim', `  (${ahead} before it)`));
      const printer = createTurnPrinter({
        messageId,
        agent: to,
        write: (piece) => void terminal.output.write(piece),
        note: (line) => terminal.line(line),
        style,
      });
      const events = followMessage({
        control,
        messageId,
        patienceMs: HOST_PATIENCE_MS,
        onAway: () => printer.aside(style('dim', '  (the host is away; waiting for it)')),
        signal: leaving.signal,
      });
      for await (const event of events) printer.print(event);
    } catch (error) {
      showError(error);
    } finally {
      following -= 1;
    }
  };

  const fleet = () => control.json(FleetStatus, { method: 'GET', path: '/api/status' });
  const post = <T>(schema: z.ZodType<T>, action: string, json?: unknown) =>
    control.json(schema, {
      method: 'POST',
      path: `/api/agents/${encodeURIComponent(agent)}/${action}`,
      json,
    });

  const run = async (line: ReplLine): Promise<void> => {
    switch (line.type) {
      case 'empty':
        return;
      case 'message': {
        const turn = follow(line.agent ?? agent, line.text).then(prompt);
        turns.add(turn);
        void turn.finally(() => turns.delete(turn));
        return;
      }
      case 'use': {
        const names = (await fleet()).agents.map(({ name }) => name);
        if (!names.includes(line.agent)) throw unknownAgent(line.agent, names);
        agent = line.agent;
        return;
      }
      case 'agents':
        return terminal.line(agentTable(await fleet()));
      case 'queue': {
        const waiting = (await fleet()).agents.filter(({ queued }) => queued > 0);
        const rows = waiting.map(({ name, queued, state }) => [name, `${queued} waiting`, state]);
        return terminal.line(rows.length > 0 ? formatTable(rows) : 'Nothing waits.');
      }
      case 'costs':
        return terminal.line(costTable(await control.json(Costs, { method: 'GET', path: '/api/costs' })));
      case 'steer': {
        const { steered } = await post(Steered, 'steer', { text: line.text });
        return terminal.line(
          style('dim', steered ? '  (passed on)' : `  (${agent} is not working; sent as a message)`),
        );
      }
      case 'cancel': {
        const { cancelled } = await post(Cancelled, 'cancel');
        return terminal.line(style('dim', cancelled ? '  (cancelling)' : `  (${agent} is not working)`));
      }
      case 'workflows': {
        const found = await control.json(WorkflowList, { method: 'GET', path: '/api/workflows' });
        return terminal.line(workflowTable(found));
      }
      case 'blackboard': {
        const board = await import('../commands/blackboard.ts');
        const place = { control, terminal, options: {} };
        if (line.action === 'list') await board.blackboardList(place, line.key);
        else if (line.action === 'get') await board.blackboardGet(place, line.key);
        else if (line.action === 'set') await board.blackboardSet(place, line.key, line.value);
        else await board.blackboardDelete(place, line.key);
        return;
      }
      case 'run_workflow': {
        const { startWorkflow } = await import('../commands/workflow-run.ts');
        const payload = line.payload === null ? {} : { payload: line.payload };
        const running = startWorkflow(control, terminal, line.name, { ...payload, wait: true }).then(
          () => prompt(),
          showError,
        );
        turns.add(running);
        void running.finally(() => turns.delete(running));
        return;
      }
      case 'reset':
        await post(z.unknown(), 'reset');
        return terminal.line(style('dim', '  (a new conversation)'));
      case 'help':
        return terminal.line(formatTable(REPL_HELP));
      case 'incomplete':
        return terminal.line(`Like this: ${line.usage}`);
      case 'unknown':
        return terminal.line(`There is no ${line.command}. /help shows what there is.`);
      case 'quit':
        lines.close();
    }
  };

  lines.on('SIGINT', () => {
    if (following === 0) lines.close();
    else void run({ type: 'cancel' }).catch(showError);
  });
  prompt();
  for await (const line of lines) {
    await run(parseReplLine(line)).catch(showError);
    prompt();
  }
  // Input that ended (a pipe) still gets its answers; a person who leaves does not wait for them.
  if (!terminal.interactive) await Promise.all(turns);
  leaving.abort();
  await Promise.all(turns);
  if (onQuit) terminal.line(style('dim', onQuit));
}
