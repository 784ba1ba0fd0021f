/*
 * Attacks the live installation from inside throw-away containers of its own image, spec template and pipe:
 *
 *   probe (reports facts) ── pipe ──► observations (parsed) ──► judge-*.ts (pure) ──► guarantees
 *
 * A check that cannot be run is never taken as passed.
 */
import { randomBytes } from 'node:crypto';
import type { Guarantee, VerifyReport } from '@openlegion/contract/control-api';
import type { MeshHandler } from '../pipe/pipe.ts';
import type { Enforcement } from '../sandbox/sandbox-backend.ts';
import { unchecked } from './guarantee.ts';
import { type AuditState, judgeAudit } from './judge-host.ts';
import { judgeHardened, judgeUsers } from './judge-vault.ts';
import type { EgressTrial } from './open-egress-trial.ts';
import type { ProbeGround } from './probe-session.ts';
import type { PromiseId } from './promises.ts';
import type { VaultProcess } from './vault-processes.ts';
import { verifyEgress } from './verify-egress.ts';
import { verifyLimits } from './verify-limits.ts';
import { verifySandbox } from './verify-sandbox.ts';
import { verifyWire } from './verify-wire.ts';

export interface VerifyOptions extends ProbeGround {
  /** The name that `handle` answers for: an agent without any grant. */
  agent: string;
  /** Of another agent of the fleet, or any name: who the probe claims to be. */
  otherAgent: string;
  /** What every planted credential starts with; null when none was planted. */
  canaryPrefix: string | null;
  /** Addresses and ports of this machine that a container must not reach, the control API's first. */
  hostTargets: { host: string; port: number }[];
  auditState: () => Promise<AuditState>;
  /** The way out; null where there is no vault, in tests of the sandbox alone. */
  egress: { open: () => Promise<EgressTrial>; handle: MeshHandler } | null;
  /** Keeper and gateway, and the users of what is beside them; null as above. */
  vaultProcesses: (() => Promise<{ processes: VaultProcess[]; others: number[] }>) | null;
  /** For people: what is being tried now. */
  onProgress?: (text: string) => void;
}

export type Declared = (enforcement: Enforcement) => string | undefined;

/** What one step needs to add its guarantees. */
export interface VerifyStep {
  options: VerifyOptions;
  declared: Declared;
  /** Runs `judge`; an error of it becomes a broken guarantee of each of `promised`. */
  check(promised: PromiseId | PromiseId[], judge: () => Promise<Guarantee | Guarantee[]>): Promise<void>;
}

/** Every guarantee with its evidence. Throws only what `signal` was aborted with. */
export async function runVerify(options: VerifyOptions): Promise<Pick<VerifyReport, 'guarantees'>> {
  const { backend, signal } = options;
  const { cannotEnforce } = await backend.capabilities();
  const guarantees: Guarantee[] = [];
  const step: VerifyStep = {
    options,
    declared: (enforcement) => cannotEnforce.find((missing) => missing.enforcement === enforcement)?.why,
    async check(promised, judge) {
      signal.throwIfAborted();
      try {
        guarantees.push(...[await judge()].flat());
      } catch (error) {
        signal.throwIfAborted();
        guarantees.push(...[promised].flat().map((one) => unchecked(one, error)));
      }
    },
  };
  await verifySandbox(step);
  await verifyLimits(step);
  await verifyWire(step);
  await verifyEgress(step);
  const { vaultProcesses } = options;
  if (vaultProcesses) {
    await step.check(['credentials.vault-hardened', 'credentials.vault-users'], async () => {
      const { processes, others } = await vaultProcesses();
      return [judgeHardened(processes), judgeUsers(processes, others)];
    });
  }
  options.onProgress?.('checking the audit chain');
  await step.check('audit.chain', async () => judgeAudit(await options.auditState()));
  return { guarantees };
}

/** Letters and digits that nothing else starts with: for the worthless secret by which the search is tested. */
export function plantedPrefix(): string {
  return `PLANTED${randomBytes(8).toString('hex')}`;
}
