import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { PROGRAMS } from '../programs.ts';
import type { Progress } from '../terminal/progress.ts';

const SetupLine = z.object({
  step: z.enum(['engine', 'image']),
  status: z.enum(['start', 'progress', 'done', 'failed']),
  text: z.string(),
  remedy: z.string().optional(),
});

/**
 * Makes sure that there is a container engine and the agents' image, showing each step. Throws `unavailable` with
 * the setup's own words and remedy.
 */
export async function runSetup(
  settings: { home: string; sandbox: boolean; mayInstall: boolean },
  progress: Progress,
): Promise<void> {
  const child = spawn(process.execPath, [PROGRAMS.setup, '--config-json', JSON.stringify(settings)], {
    stdio: ['inherit', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let errors = '';
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
    else progress.step(text);
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
