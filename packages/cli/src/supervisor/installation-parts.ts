import { configPaths, dataPaths } from '@openlegion/contract/installation';
import type {
  GatewaySettings,
  HostSettings,
  KeeperSettings,
  ScriptedSettings,
} from '@openlegion/contract/process-protocol';
import { PROGRAMS, VAULT_CODE } from '../programs.ts';
import type { PartDefinition } from './part-definition.ts';
import type { VaultUsers } from './vault-users.ts';

/** Variables by which a container engine is found; only the host gets them. */
const ENGINE_VARIABLES = [
  ...['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'],
  ...['CONTAINER_HOST', 'XDG_RUNTIME_DIR'],
];
const COMMON_VARIABLES = ['PATH', 'HOME', 'LANG', 'TZ'];

/** By this the keeper knows that the machine was started anew since it last ran. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** No inspector on a signal, for any part. */
const NO_INSPECTOR = '--disable-sigusr1';
/**
 * For what holds credentials: no text becomes code, and an object's prototype has no name. Further signals that make
 * Node write down what it knows (heap snapshots, reports) are off unless asked for, and `NODE_OPTIONS` cannot ask.
 */
const VAULT_FLAGS = [
  NO_INSPECTOR,
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  // WebAssembly takes the types out of the sources at the start and is never run again: to optimise it costs 17 MB of
  // both. A quarter of V8's room for the young is as much less that dead objects hold until they are collected: 20 MB.
  '--liftoff-only',
  '--max-semi-space-size=4',
];

/** The parts of an installation in the order in which they start. */
export function installationParts(options: {
  home: string;
  run: string;
  sandbox: boolean;
  port: number | null;
  users: VaultUsers | null;
  environment: NodeJS.ProcessEnv;
}): PartDefinition[] {
  const { home, run, sandbox, port, users, environment } = options;
  const data = dataPaths(home);
  const common = pick(environment, COMMON_VARIABLES);
  const keeper: KeeperSettings = {
    keeperDirectory: data.keeperDirectory,
    run,
    uid: users?.keeperUid ?? null,
    gatewayUid: users?.gatewayUid ?? null,
  };
  const gateway: GatewaySettings = { run, uid: users?.gatewayUid ?? null };
  const scripted: ScriptedSettings = {
    run,
    scriptsDirectory: configPaths(home).scripts,
    gatewayUid: users?.gatewayUid ?? null,
  };
  const host: HostSettings = { home, run, sandbox, port, vaultHasOwnUids: users !== null };
  return [
    {
      name: 'keeper',
      program: PROGRAMS.keeper,
      nodeFlags: [
        ...VAULT_FLAGS,
        ...permission({
          read: [...VAULT_CODE, data.keeperDirectory, run, BOOT_ID],
          write: [data.keeperDirectory, run],
        }),
      ],
      settings: keeper,
      environment: common,
      keyFile: data.vaultKey,
      readyTimeoutMs: 30_000,
      stopTimeoutMs: 10_000,
    },
    {
      name: 'gateway',
      program: PROGRAMS.gateway,
      nodeFlags: [...VAULT_FLAGS, ...permission({ read: [...VAULT_CODE, run], write: [run] })],
      settings: gateway,
      environment: common,
      readyTimeoutMs: 30_000,
      stopTimeoutMs: 10_000,
    },
    {
      name: 'scripted',
      program: PROGRAMS.scripted,
      nodeFlags: [NO_INSPECTOR],
      settings: scripted,
      environment: common,
      readyTimeoutMs: 30_000,
      stopTimeoutMs: 5_000,
    },
    {
      name: 'host',
      program: PROGRAMS.host,
      nodeFlags: [NO_INSPECTOR],
      settings: host,
      environment: { ...common, ...pick(environment, ENGINE_VARIABLES) },
      readyTimeoutMs: 180_000,
      stopTimeoutMs: 40_000,
    },
  ];
}

/**
 * Node's permission model as a second line: no child processes, no native code, these files alone. A directory is
 * named with and without `/*`: one that does not exist yet is otherwise taken for a file.
 */
function permission({ read, write }: { read: readonly string[]; write: readonly string[] }): string[] {
  return [
    '--permission',
    ...read.flatMap((path) => [`--allow-fs-read=${path}`, `--allow-fs-read=${path}/*`]),
    ...write.flatMap((path) => [`--allow-fs-write=${path}`, `--allow-fs-write=${path}/*`]),
  ];
}

function pick(environment: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = environment[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
