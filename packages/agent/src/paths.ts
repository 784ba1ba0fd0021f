/** Where the agent keeps things: one private volume, `/data` in a container. */
export interface AgentPaths {
  data: string;
  database: string;
  workspace: string;
  /** Whole outputs of tools whose result was cut before it was shown to the model. */
  toolOutput: string;
  /** `operator`, given by the host and replaced as a whole, and `own`, written by the agent. */
  skills: string;
}

export function agentPaths(data: string): AgentPaths {
  return {
    data,
    database: `${data}/agent.db`,
    workspace: `${data}/workspace`,
    toolOutput: `${data}/tool-output`,
    skills: `${data}/skills`,
  };
}
