import { randomUUID } from 'node:crypto';
import { ApprovalGiven } from '@openlegion/contract/mesh-api';
import { z } from 'zod';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh } from '../tools/answer-of-mesh.ts';
import { shown } from './bound-definition.ts';

const ASK_MS = 3_600_000;
const MAX_CHARS = 4000;

const Params = z.looseObject({
  mode: z.string().optional(),
  message: z.string(),
  requestedSchema: z.looseObject({ required: z.array(z.unknown()).default([]) }).optional(),
});

export interface ElicitationAnswer {
  [field: string]: unknown;
  action: 'accept' | 'decline';
  content?: Record<string, never>;
}

export type AnswerElicitation = (server: string, params: unknown) => Promise<ElicitationAnswer>;

/**
 * Puts the question of a server that was granted it before a person, as an approval of the tool
 * `mcp_{server}_elicitation`, which `allowed_tools` must set to `ask`. A yes is all that a person can say: what wants
 * more than that filled in, or an address opened, is declined, and so is whatever no person answered.
 */
export function createElicitation(mesh: MeshClient): AnswerElicitation {
  return async (server, params) => {
    const parsed = Params.safeParse(params);
    if (!parsed.success || (parsed.data.mode ?? 'form') !== 'form') return DECLINE;
    if ((parsed.data.requestedSchema?.required.length ?? 0) > 0) return DECLINE;
    const question = { question: shown(parsed.data.message, MAX_CHARS) };
    const tool = `mcp_${server}_elicitation`;
    try {
      const request = { tool, arguments: JSON.stringify(question), key: randomUUID() };
      const signal = AbortSignal.timeout(ASK_MS);
      const given = ApprovalGiven.parse(await answerOfMesh(mesh, signal, '/mesh/approvals', request));
      // Without an id nobody was asked: the tool is allowed, which is no answer to a question.
      return given.id === '' ? DECLINE : { action: 'accept', content: {} };
    } catch {
      return DECLINE;
    }
  };
}

const DECLINE: ElicitationAnswer = { action: 'decline' };
