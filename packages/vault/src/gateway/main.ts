/**
 * The gateway's process: settings and catalog in, its socket made, root given up, the supervisor told. Everything is
 * imported before that, because afterwards the source tree may be out of reach. It keeps no credential beyond the
 * call that it was released for, and ends with its lifeline.
 */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createHostResolver } from '../address/resolve-host.ts';
import { loadCatalog } from '../catalog/load-catalog.ts';
import { createProviders } from '../catalog/providers.ts';
import { becomeUser } from '../process/become-user.ts';
import { createKeeperClient } from '../process/keeper-client.ts';
import { holdLifeline } from '../process/lifeline.ts';
import { printFault, runPart } from '../process/run-part.ts';
import { readSettingsArgument } from '../process/settings-argument.ts';
import { socketPaths } from '../process/socket-paths.ts';
import { createModelHealth } from './answer/model-health.ts';
import { createDialects } from './dialect/dialects.ts';
import { createEgress } from './egress/create-egress.ts';
import { createEgressClock } from './egress/egress-clock.ts';
import { parseGatewaySettings } from './gateway-settings.ts';
import { createProviderDialer, PROVIDER_TIMEOUTS } from './provider/dial-provider.ts';
import { createGatewayServer } from './serve.ts';

async function main(): Promise<void> {
  const settings = parseGatewaySettings(readSettingsArgument(process.argv.slice(2)), 'settings');
  const paths = socketPaths(settings.run);
  const dialer = createProviderDialer(PROVIDER_TIMEOUTS);
  const providers = createProviders(loadCatalog(paths.scripted));
  const uid = settings.uid ?? process.getuid?.() ?? 0;
  process.umask(0o177);
  rmSync(paths.gateway, { force: true });
  const keeper = createKeeperClient({ role: 'gateway', socketPath: paths.keeperGateway, reconnect: true });
  const egress = createEgress({
    ...{ keeper, resolve: createHostResolver(), clock: createEgressClock(), failed: printFault },
  });
  const health = createModelHealth(Date.now);
  const call = {
    failed: printFault,
    providers,
    dialects: createDialects(),
    keeper,
    dialer,
    health,
    now: Date.now,
  };
  const server = createGatewayServer({ ...call, egress, uid, pid: process.pid });
  server.listen(paths.gateway);
  await once(server, 'listening');
  server.on('error', printFault);
  if (settings.uid !== null) becomeUser(settings.uid);
  holdLifeline(process.stdin, () => {
    server.close();
    server.closeAllConnections();
    dialer.close();
    egress.close();
    keeper.close();
    process.exit(0);
  });
}

await runPart('gateway', main);
