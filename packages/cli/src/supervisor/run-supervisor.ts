import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { PartName } from '@openlegion/contract/process-protocol';
import { afterPartReady } from '../vault-admin/after-part-ready.ts';
import { holdLock } from './hold-lock.ts';
import { installationParts } from './installation-parts.ts';
import { createPartLog, type LogFormat } from './part-log.ts';
import { prepareRunDirectory, removeRunDirectory, runDirectoryPath } from './run-directory.ts';
import { createSupervisor, type SupervisorEvent } from './supervisor.ts';
import { readSupervisorFile, removeSupervisorFile, writeSupervisorFile } from './supervisor-file.ts';
import type { SupervisorReport, SupervisorSettings } from './supervisor-settings.ts';
import { ensureVaultKeyFile } from './vault-key-file.ts';
import { chooseVaultUsers } from './vault-users.ts';

const LOG_BYTES = 8 * 1024 * 1024;

/**
 * Runs an installation until `stop` aborts: takes its lock, makes what it needs (data, run directory, key file),
 * starts the parts and holds them up. Returns the exit code; the outcome of the start goes to `report` first.
 */
export async function runSupervisor(options: {
  settings: SupervisorSettings;
  environment: NodeJS.ProcessEnv;
  uid: number;
  stop: AbortSignal;
  report: (report: SupervisorReport) => void;
  /** Tests run parts of their own. */
  partsOf?: typeof installationParts;
  afterReady?: typeof afterPartReady;
}): Promise<number> {
  const { settings, environment, uid, stop, report } = options;
  const { partsOf = installationParts, afterReady = afterPartReady } = options;
  const { home } = settings;
  const data = dataPaths(home);
  mkdirSync(data.logs, { recursive: true, mode: 0o700 });
  using lock = holdLock(join(data.directory, 'supervisor.lock'));
  const failed = ({ message, remedy }: { message: string; remedy: string }): number => {
    report({ type: 'failed', message, remedy });
    return 1;
  };
  if (!lock) {
    const other = readSupervisorFile(home);
    return failed({
      message: `OpenLegion already runs for ${home}${other ? ` (pid ${other.pid})` : ''}.`,
      remedy: 'Talk to it with ./openlegion chat, or stop it with ./openlegion stop.',
    });
  }

  const users = uid === 0 ? chooseVaultUsers(readFileSync('/etc/passwd', 'utf8')) : null;
  const run = runDirectoryPath(home, uid, environment.XDG_RUNTIME_DIR);
  try {
    prepareRunDirectory(run, uid);
    ensureVaultKeyFile(data.vaultKey, uid, existsSync(join(data.keeperDirectory, 'vault.db')));
  } catch (error) {
    if (!(error instanceof OpenLegionError)) throw error;
    return failed(error);
  }

  const format: LogFormat = environment.OPENLEGION_LOG_FORMAT === 'json' ? 'json' : 'text';
  const logAt = (part: PartName | 'supervisor') =>
    createPartLog({
      ...{ path: join(data.logs, `${part}.log`), part, format, maxBytes: LOG_BYTES },
      now: () => new Date(),
    });
  const ownLog = logAt('supervisor');
  const logs = new Map<PartName, ReturnType<typeof logAt>>();
  const startedAt = new Date().toISOString();
  const writeFile = (port: number) =>
    writeSupervisorFile(home, { pid: process.pid, port, run, startedAt, vaultHasOwnUids: users !== null });

  const supervisor = createSupervisor({
    parts: partsOf({ home, run, sandbox: settings.sandbox, port: settings.port, users, environment }),
    logOf: (part) => {
      const log = logs.get(part) ?? logAt(part);
      logs.set(part, log);
      return log;
    },
    onEvent: (event) => {
      ownLog.write(`${describe(event)}\n`);
      if (event.type === 'part' && event.state === 'starting') report({ type: 'starting', part: event.part });
    },
    afterReady: async (part) => {
      const log = (line: string) => {
        ownLog.write(`${line}\n`);
        report({ type: 'note', text: line });
      };
      await afterReady({ part, home, run, log });
    },
    onRestarted: (part, detail) => {
      if (part === 'host') writeFile(portOf(detail));
    },
    now: () => performance.now(),
    wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
  });
  try {
    writeFile(0);
    stop.addEventListener('abort', () => void supervisor.stop(), { once: true });
    const result = await supervisor.start();
    if (!result.started) return failed(result);
    const port = portOf(result.details.get('host') ?? {});
    writeFile(port);
    report({ type: 'ready', pid: process.pid, port, run });
    if (!stop.aborted)
      await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    return 0;
  } finally {
    await supervisor.stop();
    removeSupervisorFile(home);
    removeRunDirectory(run);
    ownLog.write('stopped\n');
  }
}

function portOf(detail: Record<string, string | number | boolean>): number {
  return typeof detail.port === 'number' ? detail.port : 0;
}

function describe(event: SupervisorEvent): string {
  if (event.type === 'part') return `${event.part} ${event.state}${event.pid ? ` (pid ${event.pid})` : ''}`;
  if (event.type === 'part_ended')
    return `${event.part} ended with ${event.how}; starts again in ${event.restartInMs} ms`;
  return `${event.part} failed: ${event.message} ${event.remedy}`;
}
