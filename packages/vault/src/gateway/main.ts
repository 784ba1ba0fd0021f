/**
 * The gateway's process: settings and catalog in, its socket made, root given up, the supervisor told. Everything is
 * imported before that, because afterwards the source tree may be out of reach. It keeps no credential beyond the
 * call that it was released for, and ends with its lifeline.
 */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { loadCatalog } from '../catalog/load-catalog.ts';
import { becomeUser } from '../process/become-user.ts';
import { describeCrash } from '../process/crash-report.ts';
import { createKeeperClient } from '../process/keeper-client.ts';
import { holdLifeline } from '../process/lifeline.ts';
import { reportToSupervisor } from '../process/report.ts';
import { readSettingsArgument } from '../process/settings-argument.ts';
import { socketPaths } from '../process/socket-paths.ts';
import { VaultError } from '../process/vault-error.ts';
import { createModelHealth } from './answer/model-health.ts';
import { DIALECTS } from './dialect/dialects.ts';
import { createNoEgress } from './egress-part.ts';
import { parseGatewaySettings } from './gateway-settings.ts';
import { createProviderDialer, PROVIDER_TIMEOUTS } from './provider/dial-provider.ts';
import { createProviders } from './provider/providers.ts';
import { createGatewayServer } from './serve.ts';

async function main(): Promise<void> {
  const settings = parseGatewaySettings(readSettingsArgument(process.argv.slice(2)), 'settings');
  const paths = socketPaths(settings.run);
  const failed = (error: unknown): void => {
    process.stderr.write(`${describeCrash(error)}\n`);
  };
  const dialer = createProviderDialer(PROVIDER_TIMEOUTS);
  const egress = createNoEgress();
  const providers = createProviders(loadCatalog(paths.scripted));
  const uid = settings.uid ?? process.getuid?.() ?? 0;
  process.umask(0o177);
  rmSync(paths.gateway, { force: true });
  const keeper = createKeeperClient({ role: 'gateway', socketPath: paths.keeperGateway, reconnect: true });
  const health = createModelHealth(Date.now);
  const call = { providers, dialects: DIALECTS, keeper, dialer, health, now: Date.now };
  const server = createGatewayServer({ ...call, egress, uid, pid: process.pid, failed });
  server.listen(paths.gateway);
  await once(server, 'listening');
  server.on('error', failed);
  if (settings.uid !== null) becomeUser(settings.uid);
  holdLifeline(process.stdin, () => {
    server.close();
    server.closeAllConnections();
    dialer.close();
    egress.close();
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
const UNKNOWN = { message: 'The gateway could not start.', remedy: 'See the log of the gateway.' };
try {
  await main();
} catch (error) {
  if (!(error instanceof VaultError)) process.stderr.write(`${describeCrash(error)}\n`);
  const { message, remedy } = error instanceof VaultError ? error : UNKNOWN;
  reportToSupervisor({ ready: false, message, remedy });
  process.exit(1);
}
