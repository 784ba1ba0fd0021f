/** Bounds of what agents are given of skills. One file is bounded by the contract: two million characters of base64. */
export const SKILL_LIMITS = {
  fileBytes: 1_400_000,
  /** Of one installed skill, and of one `skills_dir`. */
  files: 1000,
  bytes: 6 * 1024 * 1024,
  /** Of everything that one agent is given. */
  agentFiles: 2000,
  agentBytes: 10 * 1024 * 1024,
  /** Of a repository as it is fetched. */
  fetchBytes: 128 * 1024 * 1024,
  fetchMs: 180_000,
} as const;
