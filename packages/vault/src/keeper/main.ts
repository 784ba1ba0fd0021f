/**
 * The keeper's process: settings and key in, vault open, three sockets, then root is given up and the supervisor
 * told. Everything is imported and opened before that, because afterwards the installation's own files may be out
 * of reach. It ends with its lifeline.
 */
import { chownSync } from 'node:fs';
import type { KeeperSettings } from '@openlegion/contract/process-protocol';
import { becomeUser } from '../process/become-user.ts';
import { FLUSH_AFTER_MS } from '../process/database.ts';
import { readKeyFile } from '../process/key-file.ts';
import { holdLifeline } from '../process/lifeline.ts';
import { type Connection, listenForRole } from '../process/role-socket.ts';
import { readBootId } from '../process/run-mark.ts';
import { printFault, runPart } from '../process/run-part.ts';
import { readSettingsArgument } from '../process/settings-argument.ts';
import { socketPaths } from '../process/socket-paths.ts';
import { integer, nullable, strictObject, text } from '../process/strict-parser.ts';
import { createKeeper } from './keeper.ts';

const path = text(4096, /^\/[^\0]*$/, 'an absolute path');
// Root is nobody's own uid: given 0, a drop would drop nothing.
const uid = nullable(integer(1, 0xffff_fffe));
const parseSettings = strictObject<KeeperSettings>({
  keeperDirectory: path,
  run: path,
  uid,
  gatewayUid: uid,
});

await runPart('keeper', async () => {
  const settings = parseSettings(readSettingsArgument(process.argv.slice(2)), 'settings');
  process.umask(0o077);
  const keeper = createKeeper({
    directory: settings.keeperDirectory,
    uid: settings.uid,
    keyFile: readKeyFile(),
    now: Date.now,
    bootId: readBootId(),
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
    failed: printFault,
  };
  // The host and the person change what is in force at once: each of theirs is committed, or undone, alone.
  const alone = <T>(work: () => T): T => work();
  const { gateway, host, admin } = keeper.operations;
  const servers = [
    await listenForRole(paths.keeperGateway, { ...shared, operations: gateway, together: keeper.together }),
    await listenForRole(paths.keeperHost, { ...shared, operations: host, together: alone }),
    await listenForRole(paths.keeperAdmin, { ...shared, operations: admin, together: alone }),
  ];
  if (settings.gatewayUid !== null) chownSync(paths.keeperGateway, settings.gatewayUid, settings.gatewayUid);
  if (settings.uid !== null) becomeUser(settings.uid);
  holdLifeline(process.stdin, () => {
    for (const server of servers) server.close();
    for (const connection of open) keeper.abandon(connection);
    keeper.close();
    process.exit(0);
  });
});
