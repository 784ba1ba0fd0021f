import type { CallPart } from '../history/entry.ts';
import { DEFAULT_TOOL_TIMEOUT_MS, type ToolContext, type ToolResult } from '../tools/tool.ts';
import { LOOP_LIMITS } from './limits.ts';
import type { ToolRunner } from './run-tool-calls.ts';

/** `usable`: the call named a tool and gave it arguments it takes, whatever came of it. */
export interface Executed {
  usable: boolean;
  result: ToolResult;
}

/**
 * Checks one call and runs it under its time limit. Never throws and never hangs: bad arguments, an unknown tool,
 * an exception and a tool that does not heed its signal are all results that the model can read.
 */
export async function executeCall(
  runner: ToolRunner,
  call: CallPart,
  context: Omit<ToolContext, 'callId'>,
): Promise<Executed> {
  const tool = runner.tools.get(call.tool);
  if (tool === undefined) {
    if (runner.withheld.has(call.tool)) {
      return unusable('refused', `the tool ${call.tool} was not given to this agent (allowed_tools)`);
    }
    return unusable(
      'error',
      `there is no tool ${call.tool.slice(0, 100)}; there are: ${[...runner.tools.keys()].join(', ') || 'none'}`,
    );
  }
  const input = parseInput(call.input);
  if (!input.ok) return unusable('error', input.problem);
  const parsed = tool.parse(input.value);
  if (!parsed.ok) return unusable('error', `wrong arguments for ${tool.name}: ${parsed.problem}`);

  const denied = await withGrace(
    runner.approve({ tool: tool.name, input: input.value, ...context, callId: call.callId }),
    context.signal,
    runner.abortGraceMs,
  );
  if (context.signal.aborted) return { usable: true, result: NOT_RUN };
  if (denied !== undefined) return { usable: true, result: denied };

  const timeoutMs = tool.timeoutMs ?? DEFAULT_TOOL_TIMEOUT_MS;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error('time limit')), timeoutMs);
  const signal = AbortSignal.any([context.signal, limit.signal]);
  try {
    const result = await withGrace(
      parsed.run({ ...context, signal, callId: call.callId }),
      signal,
      runner.abortGraceMs,
    );
    return { usable: true, result: told(result, context.signal, limit.signal, timeoutMs) };
  } finally {
    clearTimeout(timer);
  }
}

const NOT_RUN: ToolResult = { outcome: 'cancelled', output: 'not run: the turn was cancelled' };

function unusable(outcome: 'error' | 'refused', output: string): Executed {
  return { usable: false, result: { outcome, output } };
}

function parseInput(text: string): { ok: true; value: unknown } | { ok: false; problem: string } {
  if (text.length > LOOP_LIMITS.inputChars) {
    return { ok: false, problem: `the arguments are longer than ${LOOP_LIMITS.inputChars} characters` };
  }
  try {
    return { ok: true, value: text.trim() === '' ? {} : JSON.parse(text) };
  } catch (error) {
    return {
      ok: false,
      problem: `the arguments are not JSON: ${error instanceof Error ? error.message : ''}`,
    };
  }
}

/** What the tool gives back, or undefined when it has not by `graceMs` after the signal. */
async function withGrace(
  running: Promise<ToolResult | undefined>,
  signal: AbortSignal,
  graceMs: number,
): Promise<ToolResult | undefined> {
  const late = Promise.withResolvers<undefined>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => late.resolve(undefined), graceMs);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([running, late.promise]);
  } catch (error) {
    return { outcome: 'error', output: error instanceof Error ? error.message : String(error) };
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}

function told(
  result: ToolResult | undefined,
  interrupt: AbortSignal,
  limit: AbortSignal,
  timeoutMs: number,
): ToolResult {
  if (interrupt.aborted) {
    return {
      outcome: 'cancelled',
      output: `stopped: the turn was cancelled\n${result?.output ?? ''}`.trim(),
    };
  }
  if (limit.aborted || result === undefined) {
    return {
      outcome: 'error',
      output: `stopped after ${timeoutMs / 1000} s\n${result?.output ?? ''}`.trim(),
    };
  }
  return result;
}
