import type { VerifyReport, VerifyRequest } from '@openlegion/contract/control-api';
import type { HostSettings } from '@openlegion/contract/process-protocol';
import type { Clock } from './clock.ts';
import type { FleetConfig } from './config/fleet-config.ts';
import type { Sandboxes } from './fleet/agent-container.ts';
import type { ConnectPipe } from './pipe/pipe.ts';
import type { SandboxCapabilities } from './sandbox/sandbox-backend.ts';
import type { VerifyParts } from './verify/create-verify.ts';

/** What a host is given from outside of it. */
export interface HostParts {
  settings: HostSettings;
  config: FleetConfig;
  /** Reads the files again. Throws `bad_request` with every problem. */
  readConfig: () => FleetConfig;
  version: string;
  installation: string;
  clock: Clock;
  connectPipe: ConnectPipe;
  sandboxes: Sandboxes;
  /** Null while the engine is not ready. */
  capabilities: () => Promise<SandboxCapabilities | null>;
  /** Why it is not ready. */
  engineProblem: () => string;
  /** Whether the disk with the installation's data is full. */
  diskIsFull: () => boolean;
  createVerify: (parts: VerifyParts) => (request: VerifyRequest) => Promise<VerifyReport>;
  log: (message: string) => void;
}
