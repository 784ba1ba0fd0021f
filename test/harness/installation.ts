import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { configPaths, dataPaths } from '@openlegion/contract/installation';
import type { PartName, PartReport } from '@openlegion/contract/process-protocol';
import { installationParts } from '../../packages/cli/src/supervisor/installation-parts.ts';
import { createPartLog } from '../../packages/cli/src/supervisor/part-log.ts';
import { type PartProcess, startPartProcess } from '../../packages/cli/src/supervisor/part-process.ts';
import { prepareRunDirectory, runDirectoryPath } from '../../packages/cli/src/supervisor/run-directory.ts';
import { ensureVaultKeyFile } from '../../packages/cli/src/supervisor/vault-key-file.ts';
import { chooseVaultUsers } from '../../packages/cli/src/supervisor/vault-users.ts';
import { type ControlClient, createControlClient } from './control-client.ts';
import { removeVolumes } from './remove-volumes.ts';

export interface InstallationFiles {
  /** `config/agents.yaml`. */
  agents: string;
  /** `config/mesh.yaml`; the scripted model is always there. */
  mesh?: string;
  /** `config/permissions.json`, as a value. */
  permissions: unknown;
  /** `config/scripts/NAME.yaml` by name. */
  scripts: Record<string, string>;
}

/** A whole installation in a directory of its own, its parts started as the supervisor starts them, none restarted. */
export interface TestInstallation extends AsyncDisposable {
  home: string;
  run: string;
  control: ControlClient;
  /** What an agent replies; throws, with the host's log, when it is refused. */
  answer(agent: string, text: string): Promise<string>;
  pidOf(part: PartName): number;
  /** kill -9. */
  kill(part: PartName): Promise<void>;
  start(part: PartName): Promise<void>;
  /** How long the start of the part took until it said that it is ready. */
  startMs(part: PartName): number;
  log(part: PartName): string;
}

const ORDER: readonly PartName[] = ['keeper', 'gateway', 'scripted', 'host'];

/**
 * Starts the parts, all four unless fewer are named, with further flags of Node's where given. When one does not
 * start, all are stopped and why is thrown.
 */
export async function startInstallation(
  files: InstallationFiles,
  parts: readonly PartName[] = ORDER,
  flags: readonly string[] = [],
): Promise<TestInstallation> {
  const home = mkdtempSync(join(tmpdir(), 'openlegion-test-'));
  writeConfig(home, files);
  const uid = process.getuid?.() ?? 0;
  const run = runDirectoryPath(home, uid, process.env.XDG_RUNTIME_DIR);
  const data = dataPaths(home);
  for (const directory of [data.logs, data.keeperDirectory])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  prepareRunDirectory(run, uid);
  ensureVaultKeyFile(data.vaultKey, uid, existsSync(join(data.keeperDirectory, 'vault.db')));
  const users = uid === 0 ? chooseVaultUsers(readFileSync('/etc/passwd', 'utf8')) : null;
  const definitions = installationParts({
    home,
    run,
    sandbox: false,
    port: 0,
    users,
    environment: process.env,
  });
  const running = new Map<PartName, PartProcess>();
  const startTimes = new Map<PartName, number>();
  const control = createControlClient(data.controlToken);

  const log = (part: PartName) => {
    const file = join(data.logs, `${part}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const start = async (name: PartName): Promise<void> => {
    const definition = definitions.find((part) => part.name === name);
    if (!definition) throw new Error(`there is no part ${name}`);
    const startedAt = performance.now();
    const path = join(data.logs, `${name}.log`);
    const process = startPartProcess(
      { ...definition, nodeFlags: [...definition.nodeFlags, ...flags] },
      createPartLog({ path, part: name, format: 'text', maxBytes: 8_000_000, now: () => new Date() }),
    );
    running.set(name, process);
    const report: PartReport = await process.report;
    startTimes.set(name, performance.now() - startedAt);
    if (!report.ready) throw new Error(`${name}: ${report.message} ${report.remedy}\n${log(name)}`);
    if (name === 'host' && typeof report.detail.port === 'number') control.port = report.detail.port;
  };
  const dispose = async (): Promise<void> => {
    for (const name of ORDER.toReversed()) await running.get(name)?.stop();
    await removeVolumes(home);
    rmSync(home, { recursive: true, force: true });
    rmSync(run, { recursive: true, force: true });
  };
  try {
    for (const name of ORDER) if (parts.includes(name)) await start(name);
  } catch (error) {
    await dispose();
    throw error;
  }
  const processOf = (name: PartName): PartProcess => {
    const found = running.get(name);
    if (!found) throw new Error(`${name} does not run`);
    return found;
  };
  const pidOf = (name: PartName): number => {
    const { pid } = processOf(name);
    if (pid === undefined) throw new Error(`${name} has no process`);
    return pid;
  };
  return {
    home,
    run,
    control,
    async answer(agent, text) {
      const { view } = await control.ask(agent, text);
      assert.equal(view.refusal, null, log('host'));
      return view.reply ?? '';
    },
    pidOf,
    async kill(name) {
      process.kill(pidOf(name), 'SIGKILL');
      await processOf(name).exited;
    },
    start,
    startMs: (name) => startTimes.get(name) ?? Number.NaN,
    log,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Writes `config/` of an installation. */
export function writeConfig(home: string, { agents, mesh, permissions, scripts }: InstallationFiles): void {
  const paths = configPaths(home);
  const files: Record<string, string> = {
    [paths.agents]: agents,
    [paths.mesh]: mesh ?? 'llm: { default_model: scripted/assistant }\n',
    [paths.permissions]: JSON.stringify(permissions),
  };
  for (const [name, text] of Object.entries(scripts)) files[join(paths.scripts, `${name}.yaml`)] = text;
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
