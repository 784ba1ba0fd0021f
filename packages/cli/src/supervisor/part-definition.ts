import type { PartName } from '@openlegion/contract/process-protocol';

/** One of the parts, as the supervisor is to run it. */
export interface PartDefinition {
  name: PartName;
  program: string;
  nodeFlags: readonly string[];
  /** Never holds a secret: it is visible to every user of the machine. */
  settings: object;
  environment: Record<string, string>;
  /** Opened by the supervisor, passed as fd 4, never read by it. */
  keyFile?: string;
  readyTimeoutMs: number;
  stopTimeoutMs: number;
}
