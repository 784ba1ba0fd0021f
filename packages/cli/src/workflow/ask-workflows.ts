import { spawnSync } from 'node:child_process';
import { WorkflowAnswer, type WorkflowOrder } from '@openlegion/contract/control-workflow';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { z } from 'zod';
import { type ControlRequest, createControlClient } from '../control/control-client.ts';
import { PROGRAMS } from '../programs.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';

/**
 * Asks the host where one runs for this home, else a program of its own, which reads the same files in the same way.
 * Throws what either refuses.
 */
export async function askWorkflows<T>(
  home: string,
  schema: z.ZodType<T>,
  { request, order }: { request: ControlRequest; order: () => WorkflowOrder },
): Promise<T> {
  if (runningSupervisor(home)?.port) return createControlClient(home).json(schema, request);
  const { status, stdout } = spawnSync(process.execPath, [PROGRAMS.workflows], {
    ...{ input: JSON.stringify(order()), encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    ...{ stdio: ['pipe', 'pipe', 'inherit'], env: {} },
  });
  if (status !== 0)
    throw new OpenLegionError({
      code: 'internal',
      rule: 'cli.workflow',
      message: `The program that reads workflows ended with code ${status ?? 'unknown'}.`,
      remedy: 'Please report this with the text above.',
    });
  const answer = WorkflowAnswer.parse(JSON.parse(stdout));
  if ('failed' in answer) throw new OpenLegionError(answer.failed);
  return schema.parse(answer);
}
