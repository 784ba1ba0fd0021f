import type { FleetEvent } from '@openlegion/contract/control-api';
import type { Refusal } from '@openlegion/contract/refusal';

export interface AgentObservation {
  containerId: string | null;
  startMs: number | null;
  tools: Map<string, number>;
  modelCalls: number;
  chargedMicroUsd: number;
  handoffs: string[];
  lastReply: string;
}

/** What was seen in the demo's event streams, agent by agent; it is counted here and shown by others. */
export interface Observations {
  add(event: FleetEvent): void;
  agent(name: string): AgentObservation;
  /** Refusals in the order in which they came, each agent's once per rule. */
  refusals: { agent: string; refusal: Refusal }[];
  /** Output of tools, as far as events carry it. */
  toolOutputs: { agent: string; tool: string; outcome: string; preview: string }[];
}

export function createObservations(): Observations {
  const agents = new Map<string, AgentObservation>();
  const refusals: { agent: string; refusal: Refusal }[] = [];
  const toolOutputs: Observations['toolOutputs'] = [];

  const agentOf = (name: string): AgentObservation => {
    const known = agents.get(name);
    if (known) return known;
    const fresh: AgentObservation = {
      containerId: null,
      startMs: null,
      tools: new Map(),
      modelCalls: 0,
      chargedMicroUsd: 0,
      handoffs: [],
      lastReply: '',
    };
    agents.set(name, fresh);
    return fresh;
  };
  const refuse = (agent: string, refusal: Refusal | null | undefined) => {
    if (!refusal) return;
    if (refusals.some((seen) => seen.agent === agent && seen.refusal.rule === refusal.rule)) return;
    refusals.push({ agent, refusal });
  };

  return {
    agent: agentOf,
    refusals,
    toolOutputs,
    add({ agent: name, event }) {
      if (name === '') return;
      const agent = agentOf(name);
      switch (event.type) {
        case 'agent_ready':
          agent.containerId = event.containerId;
          agent.startMs = event.startMs;
          break;
        case 'model_charged':
          agent.modelCalls += 1;
          agent.chargedMicroUsd += event.chargedMicroUsd;
          break;
        case 'handoff':
          agent.handoffs.push(event.to);
          break;
        case 'refused':
          refuse(name, event.refusal);
          break;
        case 'message_settled':
          refuse(name, event.refusal);
          agent.lastReply = event.reply ?? agent.lastReply;
          break;
        case 'turn': {
          const { turn } = event;
          if (turn.type === 'tool_started') agent.tools.set(turn.tool, (agent.tools.get(turn.tool) ?? 0) + 1);
          else if (turn.type === 'tool_ended') {
            const { tool, outcome, preview } = turn;
            toolOutputs.push({ agent: name, tool, outcome, preview });
          }
        }
      }
    },
  };
}
