import { Introspection } from '@openlegion/contract/mesh-api';
import { formatMicroUsd } from '@openlegion/contract/money';
import { z } from 'zod';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from './answer-of-mesh.ts';
import { type AnyTool, defineTool } from './tool.ts';

/** What the agent may do, and what may still be spent. */
export function createIntrospect(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'introspect',
    description: 'Show what you are granted (all else is denied) and how much of the budgets is left.',
    schema: z.strictObject({}),
    run: (_input, { signal }) =>
      orRefused(async () => {
        const { name, permissions, budget } = Introspection.parse(
          await answerOfMesh(mesh, signal, '/mesh/introspect'),
        );
        const { requestsPerMinute, tokensPerMinute, team, fleet } = budget;
        const lines = [
          `You are ${name}. What is left of the budgets:`,
          left('you', budget, budget),
          ...(team ? [left('your team', team)] : []),
          left('the whole fleet', fleet),
          ...(requestsPerMinute === null ? [] : [`  at most ${requestsPerMinute} model calls a minute`]),
          ...(tokensPerMinute === null ? [] : [`  at most ${tokensPerMinute} tokens a minute`]),
          'Granted to you:',
          ...Object.entries(permissions).flatMap(([grant, value]) => {
            const shown = grantText(value);
            return shown === '' ? [] : [`  ${grant}: ${shown}`];
          }),
        ];
        return { outcome: 'ok', output: lines.join('\n') };
      }),
  });
}

interface Left {
  remainingTodayMicroUsd: number;
  remainingMonthMicroUsd: number;
}

function left(
  whose: string,
  remaining: Left,
  limits?: { dailyMicroUsd: number; monthlyMicroUsd: number },
): string {
  const of = (limit: number | undefined) => (limit === undefined ? '' : ` of ${formatMicroUsd(limit)}`);
  const today = `${formatMicroUsd(remaining.remainingTodayMicroUsd)}${of(limits?.dailyMicroUsd)} today`;
  const month = `${formatMicroUsd(remaining.remainingMonthMicroUsd)}${of(limits?.monthlyMicroUsd)} this month`;
  return `  ${whose}: ${today}, ${month}`;
}

function grantText(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([key, entry]) => `${key} (${String(entry)})`)
      .join(', ');
  return value === true ? 'yes' : '';
}
