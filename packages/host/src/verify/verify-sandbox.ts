import {
  CREDENTIAL_PROMISES,
  judgeContainerSearch,
  judgeEngine,
  judgeEnvironment,
} from './judge-credentials.ts';
import {
  ALLOWED_DIRECTORIES,
  ESCAPE_PROMISES,
  FORBIDDEN_DIRECTORIES,
  judgeCapabilities,
  judgeHostSockets,
  judgeKernelSettings,
  judgeMaskedProc,
  judgeNoNewPrivileges,
  judgeReadOnlyRoot,
  judgeSeccomp,
  judgeSetuid,
  judgeUser,
  judgeUserMapping,
  KERNEL_DIRECTORIES,
  KERNEL_FILES,
  SENSITIVE_FILES,
} from './judge-escape.ts';
import {
  HOST_PROMISES,
  identityClaims,
  judgeIdentity,
  judgeNoGrant,
  judgeRoutes,
  UNKNOWN_ROUTES,
} from './judge-host.ts';
import { judgeNamespaces, judgeSocketFamilies, judgeSystemCalls, KERNEL_PROMISES } from './judge-kernel.ts';
import { judgeMounts, MOUNTS_PROMISE } from './judge-mounts.ts';
import { judgeHostApi, judgeInterfaces, judgeOutbound, NETWORK_PROMISES, OUTSIDE } from './judge-network.ts';
import {
  Environments,
  Files,
  Kernel,
  MeshAnswers,
  Mounts,
  Network,
  Outbound,
  Processes,
  Secrets,
  Writes,
} from './observations.ts';
import { openProbe, type ProbeSession } from './probe-session.ts';
import { plantedPrefix, type VerifyStep } from './verify.ts';

const MODEL_CALLS = 50;

/** What one container can be seen, found and asked to do, in one sandbox. */
export async function verifySandbox(step: VerifyStep): Promise<void> {
  const { options, check } = step;
  const all = [
    ...Object.values(ESCAPE_PROMISES),
    ...Object.values(KERNEL_PROMISES),
    MOUNTS_PROMISE,
    ...Object.values(NETWORK_PROMISES),
    ...Object.values(CREDENTIAL_PROMISES),
    HOST_PROMISES.identity,
    HOST_PROMISES.routes,
    HOST_PROMISES.noGrant,
  ];
  options.onProgress?.('starting a container');
  let probe: ProbeSession | undefined;
  await check(all, async () => {
    probe = await openProbe(options);
    return [];
  });
  if (!probe) return;
  await using session = probe;
  options.onProgress?.('trying to escape');
  await tryEscape(step, session);
  options.onProgress?.('trying the network');
  await tryNetwork(step, session);
  options.onProgress?.('claiming other identities, unknown routes, model calls');
  await tryHost(step, session);
  options.onProgress?.('searching the container for credentials');
  await searchCredentials(step, session);
}

async function tryEscape({ check, declared }: VerifyStep, { ask }: ProbeSession): Promise<void> {
  const seccomp = declared('seccomp_profile');
  const view = declared('kernel_view');
  const { userNamespace, user, ...rest } = ESCAPE_PROMISES;
  const { calls, namespaces, families } = KERNEL_PROMISES;
  await check([rest.capabilities, rest.noNewPrivileges, rest.seccomp, user], async () => {
    const processes = await ask('processes', {}, Processes);
    return [
      judgeCapabilities(processes, view),
      judgeNoNewPrivileges(processes, seccomp),
      judgeSeccomp(processes, seccomp),
      judgeUser(processes, await ask('kernel', {}, Kernel)),
    ];
  });
  await check([namespaces, calls, families], async () => {
    const kernel = await ask('kernel', {}, Kernel);
    return [
      judgeNamespaces(kernel, seccomp),
      judgeSystemCalls(kernel, seccomp),
      judgeSocketFamilies(kernel, seccomp),
    ];
  });
  await check([MOUNTS_PROMISE, userNamespace], async () => {
    const mounts = await ask('mounts', {}, Mounts);
    return [judgeMounts(mounts, view), judgeUserMapping(mounts, declared('user_namespace'))];
  });
  await check([rest.sockets, rest.setuid, rest.maskedProc], async () => {
    const files = await ask('files', { sensitive: SENSITIVE_FILES }, Files);
    return [judgeHostSockets(files), judgeSetuid(files, view), judgeMaskedProc(files)];
  });
  await check([rest.readOnly, rest.kernelSettings], async () => {
    const directories = [...FORBIDDEN_DIRECTORIES, ...ALLOWED_DIRECTORIES, ...KERNEL_DIRECTORIES];
    const writes = await ask('writes', { directories, files: KERNEL_FILES }, Writes);
    const isKernels = (path: string) => KERNEL_DIRECTORIES.includes(path);
    return [
      judgeReadOnlyRoot({
        ...writes,
        directories: writes.directories.filter(({ path }) => !isKernels(path)),
      }),
      judgeKernelSettings(writes),
    ];
  });
}

async function tryNetwork({ check, options }: VerifyStep, { ask }: ProbeSession): Promise<void> {
  await check(NETWORK_PROMISES.interfaces, async () => judgeInterfaces(await ask('network', {}, Network)));
  await check(NETWORK_PROMISES.outbound, async () => judgeOutbound(await ask('outbound', OUTSIDE, Outbound)));
  await check(NETWORK_PROMISES.hostApi, async () =>
    judgeHostApi(await ask('outbound', { tcp: options.hostTargets, udp: [], names: [] }, Outbound)),
  );
}

async function tryHost({ check, options }: VerifyStep, { ask }: ProbeSession): Promise<void> {
  const { agent, otherAgent } = options;
  await check(HOST_PROMISES.identity, async () => {
    const plain = { method: 'GET', path: '/mesh/introspect' };
    const claims = identityClaims(otherAgent).map((claim) => ({ method: 'GET', ...claim }));
    const answers = await ask('mesh-calls', { calls: [plain, ...claims] }, MeshAnswers);
    return judgeIdentity(answers, agent, otherAgent);
  });
  await check(HOST_PROMISES.routes, async () =>
    judgeRoutes(await ask('mesh-calls', { calls: UNKNOWN_ROUTES }, MeshAnswers)),
  );
  await check(HOST_PROMISES.noGrant, async () => {
    const body = JSON.stringify({
      model: 'any',
      messages: [{ role: 'user', content: 'hello' }],
      max_tokens: 1,
    });
    const call = {
      method: 'POST',
      path: '/llm/openai/chat/completions',
      headers: { 'content-type': 'application/json' },
      body,
    };
    return judgeNoGrant(await ask('mesh-calls', { calls: [call], times: MODEL_CALLS }, MeshAnswers));
  });
}

async function searchCredentials(
  { check, options }: VerifyStep,
  { ask, sandbox }: ProbeSession,
): Promise<void> {
  const { canaryPrefix } = options;
  await check(CREDENTIAL_PROMISES.environment, async () =>
    judgeEnvironment(await ask('environments', {}, Environments)),
  );
  await check(CREDENTIAL_PROMISES.engine, async () => judgeEngine(await sandbox.inspect(), canaryPrefix));
  await check(CREDENTIAL_PROMISES.container, async () => {
    const args = { prefix: canaryPrefix ?? plantedPrefix(), planted: plantedPrefix() };
    return judgeContainerSearch(await ask('secrets', args, Secrets), canaryPrefix !== null);
  });
}
