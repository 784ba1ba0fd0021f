import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { Recording } from '@openlegion/contract/recording';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { compareRecordings, type ReplayStep } from '../replay/compare-recordings.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { traceNamed } from './trace.ts';

const MOST_BYTES = 64 * 1024 * 1024;

/** Writes what a trace was to a file, redacted; asks the agents, which are woken for it. */
export async function record(
  { home, terminal }: CommandContext,
  id: string | undefined,
  options: { out: string },
): Promise<number> {
  const control = createControlClient(home);
  const traceId = await traceNamed(control, id);
  const recording = await control.json(Recording, {
    method: 'GET',
    path: `/api/traces/${encodeURIComponent(traceId)}/recording`,
    timeoutMs: 120_000,
  });
  writeFileSync(options.out, `${JSON.stringify(recording, null, 2)}\n`, { mode: 0o600 });
  const rounds = recording.messages.reduce((sum, message) => sum + (message.rounds?.length ?? 0), 0);
  terminal.line(
    `${options.out}: messages: ${recording.messages.length}, answers of models: ${rounds}. Look it over before you share it: what looks like a key is redacted, the rest is as it was.`,
  );
  for (const { agent, id: messageId, rounds: known } of recording.messages)
    if (known === null)
      terminal.line(terminal.style('yellow', `! ${agent} could not say what it did in ${messageId}.`));
  return 0;
}

/** Exit code 1 when the fleet as it is configured now does otherwise than it did when this was recorded. */
export async function replay(
  context: CommandContext,
  file: string,
  options: { step?: boolean; agent?: string; workspaces?: string; json?: boolean },
): Promise<number> {
  const { terminal } = context;
  const recording = readRecording(file);
  const agent = options.agent ?? null;
  const { runReplay } = await import('../replay/run-replay.ts');
  const played = await runReplay(context, recording, {
    agent,
    workspaces: options.workspaces ?? null,
  });
  const steps = compareRecordings(recording, played, agent);
  const different = steps.filter(({ verdict }) => verdict === 'different').length;
  const skipped = steps.filter(({ verdict }) => verdict === 'not_compared').length;
  if (options.json) terminal.line(JSON.stringify({ same: different === 0, steps }, null, 2));
  else {
    await show(context, steps, options.step === true);
    const compared = `${steps.length - skipped} compared${skipped > 0 ? `, ${skipped} not (they reached outside)` : ''}`;
    terminal.line(
      different === 0
        ? `${terminal.style('green', '✓ as recorded')}: ${compared}`
        : `${terminal.style('red', `✗ ${different} ${different === 1 ? 'difference' : 'differences'}`)}: ${compared}`,
    );
  }
  return different === 0 ? 0 : 1;
}

/** With `pause`, and a person at the terminal, each step waits for Enter. Otherwise what is the same is one line. */
async function show(
  { terminal }: CommandContext,
  steps: readonly ReplayStep[],
  pause: boolean,
): Promise<void> {
  const { style } = terminal;
  const reader =
    pause && terminal.interactive
      ? createInterface({ input: terminal.input, output: terminal.output })
      : undefined;
  try {
    for (const [index, { agent, what, recorded, now, verdict }] of steps.entries()) {
      const mark = {
        same: style('green', '✓'),
        different: style('red', '✗'),
        not_compared: style('dim', '–'),
      }[verdict];
      terminal.line(`${mark} ${style('bold', agent)}  ${oneLine(what, 160)}`);
      if (verdict !== 'same' || pause) {
        const [then, there] = aroundDifference(recorded, now);
        terminal.line(`    recorded  ${style('dim', oneLine(then, 300))}`);
        if (verdict !== 'same') terminal.line(`    now       ${oneLine(there, 300)}`);
      }
      if (reader && index < steps.length - 1) await reader.question(style('dim', '    Enter for the next '));
    }
  } finally {
    reader?.close();
  }
}

/** Of two long texts, the parts around where they begin to differ. */
function aroundDifference(a: string, b: string): [string, string] {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1;
  const from = Math.max(0, at - 120);
  const cut = (text: string) => (from > 0 ? `…${text.slice(from)}` : text);
  return [cut(a), cut(b)];
}

function readRecording(file: string): Recording {
  if (!existsSync(file)) throw bad(file, 'There is no such file.');
  const text = readFileSync(file, 'utf8');
  if (text.length > MOST_BYTES) throw bad(file, 'It is larger than 64 MiB.');
  try {
    const parsed = Recording.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // No JSON: said below.
  }
  throw bad(file, 'It is not a recording.');
}

function bad(file: string, why: string): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.replay.file',
    message: `${file} cannot be replayed. ${why}`,
    remedy: 'Make one with ./openlegion record TRACE --out FILE.',
  });
}
