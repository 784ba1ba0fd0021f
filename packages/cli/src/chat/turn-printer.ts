import type { FleetEvent } from '@openlegion/contract/control-api';
import { formatMicroUsd } from '@openlegion/contract/money';
import type { Refusal, RefusalCode } from '@openlegion/contract/refusal';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import { oneLine, safeText } from '../terminal/safe-text.ts';
import type { Style } from '../terminal/style.ts';
import { warningLine } from '../terminal/warning-line.ts';

export interface TurnPrinter {
  print(event: FleetEvent): void;
  /** A note of the command's own, on a line of its own also in the middle of an answer. */
  aside(line: string): void;
  /** The message's own end; null while it has none. */
  outcome(): { done: boolean } | null;
}

/** What went wrong without anyone having said no. */
const TROUBLE: ReadonlySet<RefusalCode> = new Set([
  'unavailable',
  'upstream_failed',
  'deadline_exceeded',
  'disk_full',
  'internal',
]);

/**
 * Prints a trace as a person follows it: the asked agent's words as they come on `write`, everything else (tools,
 * refusals, hand-offs, other agents) as notes on `note`. The reply is printed once, also when the stream was cut.
 */
export function createTurnPrinter(options: {
  messageId: string;
  agent: string;
  write: (text: string) => void;
  note: (line: string) => void;
  style: Style;
}): TurnPrinter {
  const { messageId, agent, write, note, style } = options;
  let streamed = '';
  let atLineStart = true;
  let outcome: { done: boolean } | null = null;
  const shownRefusals = new Set<string>();

  const say = (text: string) => {
    const clean = safeText(text);
    if (clean === '') return;
    write(clean);
    atLineStart = clean.endsWith('\n');
  };
  const aside = (line: string) => {
    if (!atLineStart) say('\n');
    note(line);
  };
  const refuse = (who: string, refusal: Refusal) => {
    const key = `${who} ${refusal.rule} ${refusal.message}`;
    if (shownRefusals.has(key)) return;
    shownRefusals.add(key);
    aside(
      `${style('yellow', `  ✗ ${prefix(who)}${TROUBLE.has(refusal.code) ? '' : 'refused:'}`.trimEnd())} ${oneLine(refusal.message, 400)} ${style('dim', `[${refusal.rule}]`)}`,
    );
    if (refusal.remedy) aside(style('dim', `    ${oneLine(refusal.remedy, 400)}`));
  };
  const prefix = (who: string) => (who === agent ? '' : `${who}: `);

  const printTurn = (who: string, own: boolean, turn: TurnEvent) => {
    switch (turn.type) {
      case 'turn_started':
        if (own && turn.resumed) {
          streamed = '';
          aside(style('dim', '  (taken up again where it was interrupted)'));
        }
        break;
      case 'text_delta':
        if (own) {
          streamed += turn.text;
          say(turn.text);
        }
        break;
      case 'tool_started':
        aside(style('dim', `  · ${prefix(who)}${oneLine(turn.tool, 40)} ${oneLine(turn.arguments, 100)}`));
        break;
      case 'tool_ended':
        if (turn.outcome !== 'ok') {
          aside(
            style(
              'yellow',
              `  ✗ ${prefix(who)}${oneLine(turn.tool, 40)}: ${turn.outcome}: ${oneLine(turn.preview, 160)}`,
            ),
          );
        }
        break;
      case 'model_switched':
        aside(
          style(
            'yellow',
            `  (${prefix(who)}${oneLine(turn.from, 80)} failed: ${oneLine(turn.reason, 120)}; ${turn.continued ? 'continued by' : 'asking'} ${oneLine(turn.to, 80)})`,
          ),
        );
        break;
      case 'steered':
        aside(style('dim', `  (steered: ${oneLine(turn.text, 100)})`));
        break;
      case 'context':
        if (turn.step === 'compacted')
          aside(style('dim', `  (${prefix(who)}${turn.count} earlier messages are now a summary)`));
        if (turn.step === 'warning')
          aside(style('yellow', `  (${prefix(who)}the conversation nearly fills the model’s window)`));
        break;
      case 'refused':
        refuse(who, turn.refusal);
        break;
    }
  };

  return {
    outcome: () => outcome,
    aside,
    print({ agent: who, messageId: id, event }) {
      const own = id === messageId;
      switch (event.type) {
        case 'turn':
          printTurn(who, own, event.turn);
          break;
        case 'agent_starting':
          aside(
            style('dim', `  (${who} is starting${event.reason ? `: ${oneLine(event.reason, 80)}` : ''})`),
          );
          break;
        case 'agent_stopped':
          aside(style('dim', `  (${who} stopped: ${oneLine(event.reason, 160)})`));
          break;
        case 'model_failed':
          aside(
            style(
              'yellow',
              `  (${prefix(who)}${oneLine(event.model, 80)} answered ${event.httpStatus || 'nothing'}: ${oneLine(event.reason, 120)})`,
            ),
          );
          break;
        case 'budget_warning':
          aside(`  ${warningLine(event, style)}`);
          break;
        case 'handoff':
          aside(style('cyan', `  → ${who} hands off to ${event.to}`));
          break;
        case 'task_returned':
          aside(`${style('cyan', `  ${event.from} (${event.status}):`)} ${oneLine(event.text, 2000)}`);
          break;
        case 'task_attention':
          aside(style('yellow', `  ! ${oneLine(event.note, 400)}`));
          break;
        case 'approval_asked':
          aside(
            style(
              'yellow',
              `  ? ${prefix(who)}${event.kind} ${oneLine(event.what, 80)} waits for a person: ./openlegion approvals show ${event.id}`,
            ),
          );
          break;
        case 'approval_answered':
          aside(
            style('dim', `  (${event.id}: ${event.status}${event.by === null ? '' : ` by ${event.by}`})`),
          );
          break;
        case 'workflow_started':
          aside(style('cyan', `  → the workflow ${event.workflow} runs as ${event.run}`));
          break;
        case 'workflow_settled':
          aside(
            style(
              'cyan',
              `  ${event.run} is ${event.status}${event.message ? `: ${oneLine(event.message, 200)}` : ''}`,
            ),
          );
          break;
        case 'refused':
          refuse(who, event.refusal);
          break;
        case 'message_settled':
          if (own) {
            const reply = event.reply ?? '';
            if (reply.trim() !== '' && !streamed.trimEnd().endsWith(reply.trimEnd())) {
              if (!atLineStart) say('\n');
              say(reply);
            }
            if (!atLineStart) say('\n');
            if (event.refusal) refuse(who, event.refusal);
            if (event.status === 'cancelled') aside(style('dim', '  (cancelled)'));
            if (event.chargedMicroUsd > 0)
              aside(style('dim', `  (${formatMicroUsd(event.chargedMicroUsd)})`));
            outcome = { done: event.status === 'done' };
          } else if (event.reply) {
            aside(`${style('cyan', `  ${who}:`)} ${oneLine(event.reply, 400)}`);
          } else if (event.refusal) refuse(who, event.refusal);
          break;
      }
    },
  };
}
