import type { SkillFiles } from '@openlegion/contract/agent-api';
import type { AuditLog } from '../audit/audit-log.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import { rememberOfAgent } from '../fleet/remember-of-agent.ts';
import type { Pipe } from '../pipe/pipe.ts';
import { createSkillsOf } from './skills-of-agent.ts';

/**
 * Gives an agent its skills over its pipe where they differ from what this pipe was given last: before its start, and
 * before each turn. An agent that has none and was given none is not asked anything. What is not given is recorded
 * once, and the agent works without it. Rejects with what the pipe rejects with.
 */
export type GiveSkills = (agent: string, pipe: Pipe) => Promise<void>;

export function createGiveSkills(parts: {
  home: string;
  config: FleetConfig;
  audit: AuditLog;
  warn: (message: string) => void;
}): GiveSkills {
  const { config, audit, warn } = parts;
  const skillsOf = createSkillsOf(parts);
  const given = new WeakMap<Pipe, string>();
  const told = new Map<string, string>();

  async function tell(agent: string, problems: readonly string[]): Promise<void> {
    const text = problems.join('\n');
    if ((told.get(agent) ?? '') === text) return;
    rememberOfAgent(told, config, agent, text);
    for (const problem of problems) {
      warn(`${agent}: ${problem}`);
      await audit.record({
        type: 'skills.refused',
        actor: 'host',
        subject: agent,
        decision: 'denied',
        rule: 'skills.lock',
        detail: { problem: problem.slice(0, 500) },
      });
    }
  }

  return async (agent, pipe) => {
    const { hash, files, problems } = await skillsOf(agent);
    await tell(agent, problems);
    if ((given.get(pipe) ?? '') === hash) return;
    await audit.record({
      type: 'skills.given',
      actor: 'host',
      subject: agent,
      detail: { files: files.length, hash: hash.slice(0, 64) },
    });
    const answer = await pipe.request({
      method: 'PUT',
      path: '/skills',
      body: JSON.stringify({ files } satisfies SkillFiles),
      headersTimeoutMs: 60_000,
    });
    answer.body.destroy();
    if (answer.status === 204) given.set(pipe, hash);
    else warn(`${agent} did not take its skills (${answer.status}); it is asked again before its next turn`);
  };
}
