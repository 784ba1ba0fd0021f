import { networkInterfaces } from 'node:os';
import { AgentConfig } from '@openlegion/contract/agents-config';
import type { VerifyReport, VerifyRequest } from '@openlegion/contract/control-api';
import { configPaths, dataPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import type { AuditLog } from '../audit/audit-log.ts';
import { verifyChain } from '../audit/verify-chain.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import { enforcementStatement } from '../permissions/enforcement.ts';
import type { ConnectPipe, MeshHandler } from '../pipe/pipe.ts';
import type { SandboxBackend } from '../sandbox/sandbox-backend.ts';
import type { GatewayClient } from '../vault/gateway-client.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { VaultView } from '../vault/vault-view.ts';
import { runCensus } from './census.ts';
import { unchecked } from './guarantee.ts';
import { browserGuarantees } from './judge-browser.ts';
import { CENSUS_PROMISES } from './judge-census.ts';
import type { AuditState } from './judge-host.ts';
import { openEgressTrial } from './open-egress-trial.ts';
import { readVaultProcess } from './vault-processes.ts';
import { runVerify } from './verify.ts';

/** Letters, digits and hyphens, as agents are named; longer than any that a person would give. */
const PROBE_AGENT = 'verify-probe-without-any-grant';
/** Another, which is lent the grants of the trial of the way out. */
const TRIAL_AGENT = 'verify-probe-with-a-trials-grants';
const NOBODY = 'someone-else-of-the-fleet';
const PAGE = 1000;

export interface VerifyParts {
  home: string;
  installation: string;
  sandboxes: () => Promise<{ backend: SandboxBackend; image: string }>;
  connectPipe: ConnectPipe;
  handlerFor: (agent: () => AgentSettings) => MeshHandler;
  /** Names of the fleet's agents: the probe claims to be the first. */
  agents: () => readonly string[];
  /** Of those, the ones that may use a browser. */
  browsers: () => readonly string[];
  audit: AuditLog;
  /** PEM of the keeper's key; null when it is not known (then only the chain itself is checked). */
  auditPublicKey: () => string | null;
  keeper: KeeperClient;
  gateway: GatewayClient;
  vault: VaultView;
  now: () => number;
  /** The control API's own port, once it listens. */
  port: () => number;
  /** What the control API answers, for the search: `GET /api/status` and the like. */
  answers: () => Promise<{ name: string; text: string }[]>;
  log: (message: string) => void;
  /** Ends with the host. */
  signal: AbortSignal;
}

/**
 * `POST /api/verify` of a host: the attacks from inside, then the census. One at a time, another is `conflict`.
 * Throws `unavailable` when no sandbox can be had.
 */
export function createVerify(parts: VerifyParts): (request: VerifyRequest) => Promise<VerifyReport> {
  let running = false;
  return async (request) => {
    if (running) throw new OpenLegionError(ALREADY_RUNNING);
    running = true;
    try {
      return await verifyOnce(parts, request);
    } finally {
      running = false;
    }
  };
}

async function verifyOnce(parts: VerifyParts, { canaryPrefix }: VerifyRequest): Promise<VerifyReport> {
  const { backend, image } = await parts.sandboxes();
  const other = parts.agents()[0] ?? null;
  const { installation, connectPipe, signal } = parts;
  const attacked = await runVerify({
    ...{ backend, image, installation, connectPipe, signal },
    handle: parts.handlerFor(() => probeAgent(PROBE_AGENT)),
    agent: PROBE_AGENT,
    otherAgent: other ?? NOBODY,
    canaryPrefix,
    hostTargets: hostTargets(parts.port()),
    auditState: async () => auditState(parts),
    egress: {
      open: () => openEgressTrial(parts, TRIAL_AGENT, other),
      handle: parts.handlerFor(() => probeAgent(TRIAL_AGENT, { '*': 'ask' })),
    },
    vaultProcesses: async () => {
      const [keeper, gateway] = await Promise.all([parts.keeper.status(), parts.gateway.health()]);
      const processes = [readVaultProcess('keeper', keeper.pid), readVaultProcess('gateway', gateway.pid)];
      return { processes, others: [process.geteuid?.() ?? -1] };
    },
    onProgress: (text) => parts.log(`verify: ${text}`),
  });
  const guarantees = [...attacked.guarantees, ...browserGuarantees(parts.browsers())];
  const enforcement = enforcementStatement();
  if (canaryPrefix === null) return { guarantees, enforcement };
  parts.log('verify: searching databases, logs, answers and memory for planted credentials');
  try {
    guarantees.push(...(await census(parts, canaryPrefix)));
  } catch (error) {
    signal.throwIfAborted();
    guarantees.push(...CENSUS_PROMISES.map((id) => unchecked(id, error)));
  }
  return { guarantees, enforcement };
}

async function census(parts: VerifyParts, canaryPrefix: string) {
  const data = dataPaths(parts.home);
  const [keeper, gateway] = await Promise.all([parts.keeper.status(), parts.gateway.health()]);
  return runCensus({
    canaryPrefix,
    paths: [
      data.meshDatabase,
      data.logs,
      data.controlToken,
      configPaths(parts.home).directory,
      // Sealed: not even there in the clear. Others than root cannot read it.
      ...(process.getuid?.() === 0 ? [data.keeperDirectory] : []),
    ],
    clean: [
      { name: 'host', pid: process.pid },
      { name: 'supervisor', pid: process.ppid },
      // It holds a credential while a request lasts; those that were planted are in none.
      { name: 'gateway', pid: gateway.pid },
    ],
    keeper: { pid: keeper.pid },
    answers: await parts.answers(),
    signal: parts.signal,
  });
}

/** An agent that exists nowhere and is granted nothing, but perhaps tools. */
function probeAgent(name: string, allowed_tools: AgentPermissions['allowed_tools'] = {}): AgentSettings {
  return {
    ...AgentConfig.parse({}),
    name,
    model: 'scripted/none',
    models: [],
    permissions: AgentPermissions.parse({ allowed_tools }),
    permissionsRecord: name,
  };
}

/** Every address of this machine at the control API's port and at those that machines often listen on. */
function hostTargets(port: number): { host: string; port: number }[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address }) => address);
  const hosts = [...new Set(['127.0.0.1', '::1', '172.17.0.1', ...addresses])];
  return hosts.flatMap((host) => [port, 22, 2375].map((one) => ({ host, port: one })));
}

function auditState({ audit, auditPublicKey }: VerifyParts): AuditState {
  const key = auditPublicKey();
  const verdict = verifyChain(allRecords(audit), audit.checkpoints(), key);
  const problems = verdict.problems.map(({ seq, what }) => `record ${seq} ${what}`);
  return {
    unbroken: verdict.intact,
    records: verdict.records,
    detail: `${verdict.checkpoints} checkpoints signed by the keeper hold${key === null ? ' (its public key is not known)' : `, the newest for record ${verdict.vouchedUpTo}`}${problems.length > 0 ? `; ${problems.join('; ')}` : ''}`,
  };
}

function* allRecords(audit: AuditLog) {
  for (let after = 0; ; ) {
    const page = audit.read(after, PAGE);
    yield* page;
    const last = page.at(-1);
    if (!last) return;
    after = last.seq;
  }
}

const ALREADY_RUNNING = {
  code: 'conflict',
  rule: 'verify.running',
  message: 'A verification is running already.',
  remedy: 'Wait until it has ended; data/logs/host.log shows how far it is.',
} as const;
