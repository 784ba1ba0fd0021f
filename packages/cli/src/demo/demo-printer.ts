import type { FleetEvent } from '@openlegion/contract/control-api';
import { formatMicroUsd } from '@openlegion/contract/money';
import type { Refusal } from '@openlegion/contract/refusal';
import { oneLine, safeText } from '../terminal/safe-text.ts';
import type { Tone } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';

const TONES: readonly Tone[] = ['cyan', 'magenta', 'green', 'yellow'];
const NAME_WIDTH = 11;
const OUTPUT_LINES = 6;

/** Shows what happens in the demo, each line under the name and in the colour of its agent. */
export function createDemoPrinter(terminal: Terminal): { print(event: FleetEvent): void } {
  const { style } = terminal;
  const tones = new Map<string, Tone>();
  /** Text that has come without its line's end, by agent. */
  const pending = new Map<string, string>();
  const shown = new Set<string>();
  const width = Math.max(60, Math.min(terminal.output.columns ?? 110, 140)) - NAME_WIDTH - 3;

  const say = (agent: string, line: string) => {
    const tone = tones.get(agent) ?? TONES[tones.size % TONES.length] ?? 'cyan';
    tones.set(agent, tone);
    terminal.line(`${style(tone, agent.padEnd(NAME_WIDTH))} ${style('dim', '│')} ${line}`);
  };
  const flush = (agent: string) => {
    const text = pending.get(agent)?.trim() ?? '';
    pending.delete(agent);
    if (text) for (const line of wrap(text, width)) say(agent, line);
  };
  const refuse = (agent: string, refusal: Refusal) => {
    const key = `${agent} ${refusal.rule}`;
    if (shown.has(key)) return;
    shown.add(key);
    const [first = '', ...rest] = wrap(oneLine(refusal.message, 400), width - 10);
    say(agent, `${style('red', '✋ refused')} ${first}`);
    for (const line of rest) say(agent, `   ${line}`);
    say(agent, `   ${style('yellow', `rule: ${refusal.rule}`)}`);
  };

  return {
    print({ agent, event }) {
      if (endsText(event)) flush(agent);
      switch (event.type) {
        case 'agent_ready':
          say(
            agent,
            style(
              'dim',
              `container ${event.containerId.slice(0, 12)} ready in ${(event.startMs / 1000).toFixed(2)} s`,
            ),
          );
          break;
        case 'handoff':
          say(agent, `${style('bold', `→ hands off to ${event.to}`)} ${style('dim', event.taskId)}`);
          break;
        case 'refused':
          refuse(agent, event.refusal);
          break;
        case 'message_settled':
          if (event.refusal) refuse(agent, event.refusal);
          say(agent, style('dim', `${event.status}, ${formatMicroUsd(event.chargedMicroUsd)}`));
          break;
        case 'turn': {
          const { turn } = event;
          if (turn.type === 'text_delta') {
            const text = (pending.get(agent) ?? '') + safeText(turn.text);
            const lines = text.split('\n');
            pending.set(agent, lines.pop() ?? '');
            for (const line of lines) if (line.trim()) for (const part of wrap(line, width)) say(agent, part);
          } else if (turn.type === 'tool_started') {
            say(
              agent,
              `${style('bold', `⚙ ${oneLine(turn.tool, 30)}`)} ${style('dim', oneLine(argumentText(turn.arguments), width - 14))}`,
            );
          } else if (turn.type === 'tool_ended') {
            const lines = safeText(turn.preview)
              .split('\n')
              .filter((line) => line.trim() !== '');
            for (const line of lines.slice(0, OUTPUT_LINES))
              say(agent, style('dim', `  ${oneLine(line, width - 2)}`));
            if (lines.length > OUTPUT_LINES)
              say(agent, style('dim', `  … ${lines.length - OUTPUT_LINES} more lines`));
          } else if (turn.type === 'refused') refuse(agent, turn.refusal);
        }
      }
    },
  };
}

/** Events that may come in the middle of a sentence (a charge) leave it whole. */
function endsText(event: FleetEvent['event']): boolean {
  if (event.type !== 'turn') return event.type !== 'model_charged';
  return event.turn.type !== 'text_delta' && event.turn.type !== 'reasoning_delta';
}

/** The arguments of a call as a person reads them: the values alone. */
function argumentText(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null) return Object.values(value).map(String).join('  ');
  } catch {
    // Cut in the middle, or an agent's nonsense: shown as it came.
  }
  return json;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return line ? [...lines, line] : lines;
}
