/** Of the helpers that an agent starts within itself. Agent-enforced; each of their calls is paid as the agent's own. */
export const SUBAGENT_LIMITS = {
  atOnce: 3,
  depth: 2,
  lifetimeMs: 300_000,
  /** Ended ones that are still listed. */
  listed: 20,
  listedChars: 4000,
} as const;

/** What a helper is not given: it does not change what the agent is made of, nor shares what it remembers. */
export const WITHHELD_FROM_SUBAGENTS: ReadonlySet<string> = new Set([
  'create_skill',
  'reload_skills',
  'memory_save',
  'memory_search',
  'memory_recall',
  'update_workspace',
  'complete_task',
  'update_status',
  'set_cron',
  'set_heartbeat',
  'remove_cron',
]);
