import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { PROGRAMS } from '../programs.ts';
import type { Progress } from '../terminal/progress.ts';

const SetupLine = z.object({
  step: z.enum(['configuration', 'engine', 'image']),
  status: z.enum(['start', 'progress', 'question', 'done', 'failed']),
  text: z.string(),
  remedy: z.string().optional(),
});

/**
 * Makes sure that there is a container engine and the agents' image, showing each step; `confirm` is asked what only
 * a person may decide. Throws `unavailable` with the setup's own words and remedy.
 */
export async function runSetup(options: {
  settings: { home: string; sandbox: boolean };
  progress: Progress;
  confirm: (question: string) => Promise<boolean>;
  program?: string;
}): Promise<void> {
  const { settings, progress, confirm, program = PROGRAMS.setup } = options;
  const child = spawn(process.execPath, [program, '--config-json', JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let errors = '';
  child.stdin.on('error', () => {});
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  let failure: { text: string; remedy: string } | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = SetupLine.safeParse(parseJson(line));
    if (!said.success) continue;
    const { status, text, remedy } = said.data;
    if (status === 'failed') failure = { text, remedy: remedy ?? '' };
    else if (status === 'done') progress.done(text);
    else if (status === 'question') {
      progress.clear();
      child.stdin.write((await confirm(text)) ? 'yes\n' : 'no\n');
    } else progress.step(text);
  }
  const code = await ended;
  progress.clear();
  if (code === 0) return;
  throw new OpenLegionError({
    code: 'unavailable',
    rule: 'cli.setup',
    message:
      failure?.text ??
      `The setup of the container engine ended with code ${code ?? 'unknown'}.\n${errors.trim()}`,
    remedy: failure?.remedy ?? 'Please report this with the text above.',
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
