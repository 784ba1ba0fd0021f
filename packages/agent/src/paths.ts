/** Where the agent keeps things: one private volume, `/data` in a container. */
export interface AgentPaths {
  data: string;
  database: string;
  workspace: string;
  /** Whole outputs of tools whose result was cut before it was shown to the model. */
  toolOutput: string;
}

export function agentPaths(data: string): AgentPaths {
  return {
    data,
    database: `${data}/agent.db`,
    workspace: `${data}/workspace`,
    toolOutput: `${data}/tool-output`,
  };
}
