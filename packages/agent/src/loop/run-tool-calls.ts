import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { CallPart, ResultEntry } from '../history/entry.ts';
import type { AnyTool, ToolResult } from '../tools/tool.ts';
import type { AskApproval } from './ask-approval.ts';
import { executeCall } from './execute-call.ts';
import type { Interrupt } from './interrupt.ts';
import { LOOP_LIMITS } from './limits.ts';
import type { LoopDetector, LoopVerdict } from './loop-detector.ts';
import { tellSanitised } from './tell-sanitised.ts';

export interface ToolRunner {
  tools: ReadonlyMap<string, AnyTool>;
  /** Names of tools that exist but were not given to this agent. */
  withheld: ReadonlySet<string>;
  /** Makes an output fit to be shown to the model, keeping the whole in a file where it is longer. */
  fitOutput: (messageId: string, callId: string, output: string) => Promise<string>;
  approve: AskApproval;
  /** Milliseconds of a monotonic clock. */
  clock: () => number;
  /** How long an aborted tool may take to give back what it has. */
  abortGraceMs: number;
}

export interface CallRound {
  messageId: string;
  calls: readonly CallPart[];
  detector: LoopDetector;
  interrupt: Interrupt;
  steered: () => boolean;
  record: (result: ResultEntry, picture?: Uint8Array) => void;
  emit: (event: TurnEvent) => Promise<void>;
  /** Given where the turn has no answer left that could use a result: why nothing is run any more. */
  spent?: string | undefined;
}

/**
 * Runs the calls of one answer, several at a time, and records the result of each as soon as it has one. What goes
 * wrong in a tool is a result; only a failure to record is thrown. A call that has not begun when the turn is
 * cancelled or steered is not run any more.
 */
export async function runToolCalls(
  runner: ToolRunner,
  round: CallRound,
): Promise<{ looped: boolean; malformed: boolean }> {
  const verdicts = round.calls.map((call) => round.detector.judge(call.tool, call.input));
  const looped = verdicts.includes('end');
  let unusable = 0;
  let next = 0;
  const worker = async () => {
    for (;;) {
      const index = next++;
      const call = round.calls[index];
      if (call === undefined) return;
      const verdict = looped ? 'end' : (verdicts[index] ?? 'run');
      const skipped = skip(round, index, verdict);
      if (skipped !== undefined) {
        await settle(runner, round, call, skipped, 0);
        continue;
      }
      await round.emit({
        type: 'tool_started',
        callId: call.callId,
        tool: call.tool.slice(0, 200),
        arguments: call.input.slice(0, LOOP_LIMITS.argumentsChars),
      });
      const begun = runner.clock();
      const executed = await executeCall(runner, call, {
        messageId: round.messageId,
        signal: round.interrupt.signal,
        report: round.emit,
      });
      if (!executed.usable) unusable++;
      await settle(runner, round, call, warned(executed.result, verdict), runner.clock() - begun);
    }
  };
  const workers = Math.min(LOOP_LIMITS.concurrentCalls, round.calls.length);
  const ends = await Promise.allSettled(Array.from({ length: workers }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return { looped, malformed: unusable === round.calls.length };
}

function skip(round: CallRound, index: number, verdict: LoopVerdict): ToolResult | undefined {
  if (round.interrupt.signal.aborted)
    return { outcome: 'cancelled', output: 'not run: the turn was cancelled' };
  if (round.spent !== undefined) return { outcome: 'refused', output: `not run: ${round.spent}` };
  if (verdict === 'end')
    return { outcome: 'refused', output: 'not run: the turn ends because it repeats itself' };
  if (verdict === 'block') {
    return {
      outcome: 'refused',
      output: 'not run: this same call was already made several times. Do something else, or answer.',
    };
  }
  if (index >= LOOP_LIMITS.callsPerRound) {
    return {
      outcome: 'refused',
      output: `not run: more than ${LOOP_LIMITS.callsPerRound} calls in one answer`,
    };
  }
  if (round.steered()) return { outcome: 'cancelled', output: 'not run: the user said something new first' };
  return undefined;
}

function warned(result: ToolResult, verdict: LoopVerdict): ToolResult {
  if (verdict !== 'warn') return result;
  return {
    ...result,
    output: `${result.output}\n[the same call was made before with the same arguments; it will be blocked if repeated]`,
  };
}

async function settle(
  runner: ToolRunner,
  round: CallRound,
  call: CallPart,
  result: ToolResult,
  durationMs: number,
): Promise<void> {
  const output = await runner.fitOutput(round.messageId, call.callId, result.output);
  const { outcome, picture } = result;
  const entry = { callId: call.callId, tool: call.tool, outcome, output, durationMs };
  if (picture === undefined) round.record(entry);
  else {
    const { mediaType, bytes } = picture;
    round.record({ ...entry, picture: { mediaType, bytes: bytes.length } }, bytes);
  }
  await tellSanitised(call.tool, output, round.emit);
  await round.emit({
    type: 'tool_ended',
    callId: call.callId,
    tool: call.tool.slice(0, 200),
    outcome: result.outcome,
    preview: output.slice(0, LOOP_LIMITS.previewChars),
    durationMs,
  });
}
