import { judgeContainerSearch, judgeEngine, judgeEnvironment } from './judge-credentials.ts';
import * as isolation from './judge-escape.ts';
import { judgeUngranted, UNGRANTED_CALLS } from './judge-grants.ts';
import { identityClaims, judgeIdentity, judgeNoGrant, judgeRoutes, UNKNOWN_ROUTES } from './judge-host.ts';
import { judgeNamespaces, judgeSocketFamilies, judgeSystemCalls } from './judge-kernel.ts';
import { judgeMounts } from './judge-mounts.ts';
import { judgeHostApi, judgeInterfaces, judgeOutbound, OUTSIDE } from './judge-network.ts';
import * as seen from './observations.ts';
import { openProbe, type ProbeSession } from './probe-session.ts';
import { plantedPrefix, type VerifyStep } from './verify.ts';

const MODEL_CALLS = 50;

/** The check of the probe that is asked; it waits for its container. */
type Ask = ProbeSession['ask'];

/**
 * What one container can be seen, found and asked to do, in one sandbox. Where that cannot be had, every check of it
 * fails for the same reason.
 */
export async function verifySandbox(step: VerifyStep): Promise<void> {
  const { onProgress } = step.options;
  onProgress?.('starting a container');
  const opened = openProbe(step.options);
  const ask: Ask = async (check, args, schema) => (await opened).ask(check, args, schema);
  try {
    await opened.catch(() => {});
    onProgress?.('trying to escape');
    await tryEscape(step, ask);
    onProgress?.('trying the network');
    await tryNetwork(step, ask);
    onProgress?.('claiming other identities, unknown routes, what is not granted');
    await tryHost(step, ask);
    onProgress?.('searching the container for credentials');
    await searchCredentials(step, ask, async () => (await opened).sandbox.inspect());
  } finally {
    await (await opened.catch(() => null))?.[Symbol.asyncDispose]();
  }
}

async function tryEscape({ check, declared }: VerifyStep, ask: Ask): Promise<void> {
  const seccomp = declared('seccomp_profile');
  const view = declared('kernel_view');
  await check(
    ['escape.capabilities', 'escape.no-new-privileges', 'escape.seccomp', 'escape.user'],
    async () => {
      const processes = await ask('processes', {}, seen.Processes);
      return [
        isolation.judgeCapabilities(processes, view),
        isolation.judgeNoNewPrivileges(processes, seccomp),
        isolation.judgeSeccomp(processes, seccomp),
        isolation.judgeUser(processes, await ask('kernel', {}, seen.Kernel)),
      ];
    },
  );
  await check(['escape.namespaces', 'escape.system-calls', 'escape.socket-families'], async () => {
    const kernel = await ask('kernel', {}, seen.Kernel);
    return [
      judgeNamespaces(kernel, seccomp),
      judgeSystemCalls(kernel, seccomp),
      judgeSocketFamilies(kernel, seccomp),
    ];
  });
  await check(['escape.mounts', 'escape.user-mapping'], async () => {
    const mounts = await ask('mounts', {}, seen.Mounts);
    return [judgeMounts(mounts, view), isolation.judgeUserMapping(mounts, declared('user_namespace'))];
  });
  await check(['escape.host-sockets', 'escape.setuid', 'escape.masked-proc'], async () => {
    const files = await ask('files', { sensitive: isolation.SENSITIVE_FILES }, seen.Files);
    return [
      isolation.judgeHostSockets(files),
      isolation.judgeSetuid(files, view),
      isolation.judgeMaskedProc(files),
    ];
  });
  await check(['escape.read-only-root', 'escape.kernel-settings'], async () => {
    const { FORBIDDEN_DIRECTORIES, ALLOWED_DIRECTORIES, KERNEL_DIRECTORIES } = isolation;
    const directories = [...FORBIDDEN_DIRECTORIES, ...ALLOWED_DIRECTORIES, ...KERNEL_DIRECTORIES];
    const writes = await ask('writes', { directories, files: isolation.KERNEL_FILES }, seen.Writes);
    return [isolation.judgeReadOnlyRoot(writes), isolation.judgeKernelSettings(writes)];
  });
}

async function tryNetwork({ check, options }: VerifyStep, ask: Ask): Promise<void> {
  await check('network.no-interface', async () => judgeInterfaces(await ask('network', {}, seen.Network)));
  await check('network.nothing-reachable', async () =>
    judgeOutbound(await ask('outbound', OUTSIDE, seen.Outbound)),
  );
  await check('network.host-unreachable', async () =>
    judgeHostApi(await ask('outbound', { tcp: options.hostTargets, udp: [], names: [] }, seen.Outbound)),
  );
}

async function tryHost({ check, options }: VerifyStep, ask: Ask): Promise<void> {
  const { agent, otherAgent } = options;
  await check('host.identity', async () => {
    const plain = { method: 'GET', path: '/mesh/introspect' };
    const claims = identityClaims(otherAgent).map((claim) => ({ method: 'GET', ...claim }));
    const answers = await ask('mesh-calls', { calls: [plain, ...claims] }, seen.MeshAnswers);
    return judgeIdentity(answers, agent, otherAgent);
  });
  await check('host.unknown-routes', async () =>
    judgeRoutes(await ask('mesh-calls', { calls: UNKNOWN_ROUTES }, seen.MeshAnswers)),
  );
  await check('host.no-grant', async () =>
    judgeUngranted(await ask('mesh-calls', { calls: UNGRANTED_CALLS }, seen.MeshAnswers)),
  );
  await check('budget.no-grant', async () => {
    const messages = [{ role: 'user', content: 'hello' }];
    const body = JSON.stringify({ model: 'any', messages, max_tokens: 1 });
    const headers = { 'content-type': 'application/json' };
    const call = { method: 'POST', path: '/llm/openai/chat/completions', headers, body };
    return judgeNoGrant(await ask('mesh-calls', { calls: [call], times: MODEL_CALLS }, seen.MeshAnswers));
  });
}

async function searchCredentials(
  { check, options }: VerifyStep,
  ask: Ask,
  inspect: () => Promise<unknown>,
): Promise<void> {
  const { canaryPrefix } = options;
  await check('credentials.environment', async () =>
    judgeEnvironment(await ask('environments', {}, seen.Environments)),
  );
  await check('credentials.engine', async () => judgeEngine(await inspect(), canaryPrefix));
  await check('credentials.container', async () => {
    const args = { prefix: canaryPrefix ?? plantedPrefix(), planted: plantedPrefix() };
    return judgeContainerSearch(await ask('secrets', args, seen.Secrets), canaryPrefix !== null);
  });
}
