/**
 * The keeper's process: settings and key in, vault open, three sockets, then root is given up and the supervisor
 * told. Everything is imported and opened before that, because afterwards the installation's own files may be out
 * of reach. It ends with its lifeline.
 */
import { chownSync, closeSync, readSync } from 'node:fs';
import { becomeUser } from '../process/become-user.ts';
import { describeCrash } from '../process/crash-report.ts';
import { holdLifeline } from '../process/lifeline.ts';
import { isGiven, reportToSupervisor } from '../process/report.ts';
import { readSettingsArgument } from '../process/settings-argument.ts';
import { socketPaths } from '../process/socket-paths.ts';
import { VaultError } from '../process/vault-error.ts';
import { FLUSH_AFTER_MS } from './flush.ts';
import { createKeeper } from './keeper.ts';
import { parseKeeperSettings } from './keeper-settings.ts';
import type { Connection } from './model-calls.ts';
import { listenForRole } from './role-socket.ts';
import { readBootId } from './run-mark.ts';
import { KEY_BYTES } from './seal.ts';
import { createTransactions } from './transaction.ts';

const KEY_FD = 4;

/** The key file is its 32 bytes and nothing else; one byte more is read so that a longer file is noticed. */
function readKeyFile(): Buffer {
  const buffer = Buffer.alloc(KEY_BYTES + 1);
  let length = 0;
  if (isGiven(KEY_FD)) {
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = readSync(KEY_FD, buffer, length, buffer.length - length, null);
    closeSync(KEY_FD);
  }
  return buffer.subarray(0, length);
}

async function main(): Promise<void> {
  const settings = parseKeeperSettings(readSettingsArgument(process.argv.slice(2)), 'settings');
  process.umask(0o077);
  const keeper = createKeeper({
    directory: settings.keeperDirectory,
    uid: settings.uid,
    keyFile: readKeyFile(),
    now: Date.now,
    bootId: readBootId(),
    transactions: createTransactions,
    later: (run) => void setTimeout(run, FLUSH_AFTER_MS),
  });
  const open = new Set<Connection>();
  const paths = socketPaths(settings.run);
  const shared = {
    started: (connection: Connection) => open.add(connection),
    ended(connection: Connection) {
      open.delete(connection);
      keeper.abandon(connection);
    },
    failed: (error: unknown) => process.stderr.write(`${describeCrash(error)}\n`),
  };
  const servers = [
    await listenForRole({ ...shared, path: paths.keeperGateway, operations: keeper.operations.gateway }),
    await listenForRole({ ...shared, path: paths.keeperHost, operations: keeper.operations.host }),
    await listenForRole({ ...shared, path: paths.keeperAdmin, operations: keeper.operations.admin }),
  ];
  if (settings.gatewayUid !== null) chownSync(paths.keeperGateway, settings.gatewayUid, settings.gatewayUid);
  if (settings.uid !== null) becomeUser(settings.uid);
  holdLifeline(process.stdin, () => {
    for (const server of servers) server.close();
    for (const connection of open) keeper.abandon(connection);
    keeper.close();
    process.exit(0);
  });
  reportToSupervisor({ ready: true, detail: { pid: process.pid, uid: process.getuid?.() ?? 0 } });
}

function crash(error: unknown): void {
  process.stderr.write(`${describeCrash(error)}\n`);
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
const UNKNOWN = { message: 'The keeper could not start.', remedy: 'See the log of the keeper.' };
try {
  await main();
} catch (error) {
  if (!(error instanceof VaultError)) process.stderr.write(`${describeCrash(error)}\n`);
  const { message, remedy } = error instanceof VaultError ? error : UNKNOWN;
  reportToSupervisor({ ready: false, message, remedy });
  process.exit(1);
}
