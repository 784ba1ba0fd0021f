/**
 * The host's process, started by the supervisor (contract/process-protocol.ts): settings in, configuration read,
 * store, vault, port, then ready; engine and image are made ready beside it. It ends with its lifeline or SIGTERM.
 */
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { dataPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { createSystemClock } from './clock.ts';
import { requireConfig } from './config/require-config.ts';
import { diskIsFull } from './fleet/disk-is-full.ts';
import { prepareSandboxes } from './fleet/prepare-sandboxes.ts';
import { rememberSuccess } from './fleet/remember-success.ts';
import { connectPipe } from './pipe/connect-pipe.ts';
import { reportToSupervisor } from './report-ready.ts';
import { startHost } from './start-host.ts';
import { createVerify } from './verify/create-verify.ts';

const Settings = z.strictObject({
  home: z.string().min(1),
  run: z.string().min(1),
  sandbox: z.boolean(),
  port: z.int().min(0).max(65_535).nullable(),
  vaultHasOwnUids: z.boolean(),
});

const log = (message: string) => void process.stdout.write(`${message}\n`);

function readSettings(): z.infer<typeof Settings> {
  const [flag, json] = process.argv.slice(2);
  if (flag !== '--config-json' || json === undefined) {
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'host.settings',
      message: 'This program is run by OpenLegion itself.',
      remedy: 'Use ./openlegion start.',
    });
  }
  return Settings.parse(JSON.parse(json));
}

function packageVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}

async function main(): Promise<void> {
  process.umask(0o077);
  const settings = readSettings();
  const readConfig = () => requireConfig(settings.home, (warning) => log(`warning: ${warning}`));
  const config = readConfig();
  const installation = createHash('sha256').update(realpathSync(settings.home)).digest('hex').slice(0, 12);
  const stopping = new AbortController();
  const sandboxes = rememberSuccess(() =>
    prepareSandboxes({
      environment: process.env,
      installation,
      volumesDirectory: `${dataPaths(settings.home).directory}/volumes`,
      sandbox: settings.sandbox,
      log,
      signal: stopping.signal,
    }),
  );
  let ready: Awaited<ReturnType<typeof sandboxes>> | null = null;
  let engineProblem = 'it is being made ready';
  const makeReady = async () => {
    try {
      ready = await sandboxes();
      return ready;
    } catch (error) {
      engineProblem = error instanceof OpenLegionError ? `${error.message} ${error.remedy}` : String(error);
      throw error;
    }
  };
  const host = await startHost({
    settings,
    config,
    readConfig,
    version: packageVersion(),
    installation,
    clock: createSystemClock(),
    connectPipe,
    sandboxes: makeReady,
    capabilities: async () => (ready ? ready.backend.capabilities() : null),
    engineProblem: () => engineProblem,
    diskIsFull: () => diskIsFull(dataPaths(settings.home).directory),
    createVerify,
    log,
  });
  makeReady().then(
    ({ image }) => log(`agents run on ${image}`),
    () => log(`agents cannot run yet: ${engineProblem}`),
  );

  let ending = false;
  const stop = (why: string) => {
    if (ending) return;
    ending = true;
    log(`stopping: ${why}`);
    stopping.abort();
    const swept = host.stop().then(async () => {
      // What could not be removed while the engine was away.
      await ready?.backend
        .removeLeftovers(installation)
        .catch((error) => log(`containers may be left: ${String(error)}`));
    });
    swept.then(
      () => process.exit(0),
      (error) => {
        log(`stopped with an error: ${error instanceof Error ? error.stack : error}`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.stdin.on('end', () => stop('the lifeline ended'));
  process.stdin.on('close', () => stop('the lifeline ended'));
  process.stdin.on('error', () => stop('the lifeline ended'));
  process.stdin.resume();
  log(`listening on 127.0.0.1:${host.port}`);
  reportToSupervisor({ ready: true, detail: { port: host.port, pid: process.pid } });
}

/** Nothing is known of the state after this: the supervisor starts a new host, which takes up what is on disk. */
function crash(error: unknown): void {
  log(`fatal: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
try {
  await main();
} catch (error) {
  const known = error instanceof OpenLegionError;
  if (!known) log(`fatal: ${error instanceof Error ? error.stack : String(error)}`);
  reportToSupervisor({
    ready: false,
    message: known ? error.message : 'The host could not start.',
    remedy: known ? error.remedy : 'See data/logs/host.log.',
  });
  process.exit(1);
}
