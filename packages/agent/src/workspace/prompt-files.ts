/** A file of the workspace that is part of prompts. */
export interface PromptFile {
  name: string;
  /** Characters of it that a prompt holds. */
  maxChars: number;
  /** Whether the agent itself keeps it (`update_workspace`); the others are for the operator's instructions. */
  agentWrites: boolean;
  /** Part of the prompt of a heartbeat only. */
  heartbeatOnly?: true;
}

export const PROMPT_FILES: readonly PromptFile[] = [
  { name: 'AGENTS.md', maxChars: 8000, agentWrites: false },
  { name: 'SOUL.md', maxChars: 4000, agentWrites: false },
  { name: 'USER.md', maxChars: 4000, agentWrites: true },
  { name: 'MEMORY.md', maxChars: 16_000, agentWrites: true },
  { name: 'HEARTBEAT.md', maxChars: 4000, agentWrites: true, heartbeatOnly: true },
];

/** Written by the agent's program, never read back: what stands in the file changes nothing. */
export const SYSTEM_FILE = 'SYSTEM.md';
export const SYSTEM_CHARS = 6000;
/** What people corrected, newest last: as much of it as the others leave. */
export const CORRECTIONS_FILE = 'learnings/corrections.md';
export const CORRECTIONS_CHARS = 2000;
export const ALL_FILES_CHARS = 40_000;
/** Of each file, what is looked at for a prompt and kept as a version: more than any of them may show. */
export const PROMPT_FILE_BYTES = 64 * 1024;
