import { existsSync, readFileSync } from 'node:fs';
import { dataPaths } from '@openlegion/contract/installation';
import { allAnswers } from './control/all-answers.ts';
import { agentsWithBrowser, browserRoutes } from './control/browser-routes.ts';
import { type ControlRoute, controlRoutes } from './control/control-routes.ts';
import { createControlApp, listenControl } from './control/control-server.ts';
import { createTokenCheck, writeControlToken } from './control/control-token.ts';
import { fleetStatus } from './control/fleet-status.ts';
import { createSteering } from './control/steering.ts';
import { wireOperations } from './control/wire-operations.ts';
import type { HostParts } from './host-parts.ts';
import type { OpenedHost } from './open-host.ts';
import type { WiredHost } from './wire-host.ts';

/** Listens on the control API's port. What ends with that, `stopping` among it, is put on `cleanup`. */
export async function serveHost(
  parts: HostParts,
  opened: OpenedHost,
  wired: WiredHost,
  stopping: AbortController,
  cleanup: AsyncDisposableStack,
): Promise<{ port: number; routes: readonly ControlRoute[] }> {
  const { settings, installation, sandboxes, connectPipe, version, readConfig, log } = parts;
  const { home, config, audit, clock, checkpoints } = opened;
  const { lanes, fleet, mesh, coordination, approvals, workflows, toolPins, changes } = wired;
  const paths = dataPaths(home);
  const token = writeControlToken(paths.controlToken);
  const operations = wireOperations({ ...opened, readConfig, fleet: () => fleet, version });
  cleanup.defer(() => operations.stop());
  let port = 0;
  const verify = parts.createVerify({
    ...{ ...opened, installation, sandboxes, connectPipe, log },
    handlerFor: mesh.handlerFor,
    agents: () => [...config.agents.keys()],
    browsers: () => agentsWithBrowser(config),
    auditPublicKey: () =>
      existsSync(paths.auditPublicKey) ? readFileSync(paths.auditPublicKey, 'utf8') : null,
    now: () => clock.now(),
    port: () => port,
    answers: () => allAnswers(app, token),
    signal: stopping.signal,
  });
  const routes = [
    ...controlRoutes({
      ...{ ...opened, ...wired },
      steering: createSteering({ fleet, lanes }),
      reload: changes.reload,
      stopping: stopping.signal,
      // With its own start in what is signed: what it says of the log is then said of all of it.
      verify: async (request) => {
        await checkpoints.flush();
        return verify(request);
      },
      status: () =>
        fleetStatus({
          ...{ ...parts, ...opened, lanes, fleet },
          attention: coordination.attention,
        }),
    }),
    ...operations.routes,
    ...approvals.controlRoutes,
    ...coordination.controlRoutes,
    ...workflows.controlRoutes,
    ...toolPins.controlRoutes,
    ...browserRoutes({ config, fleet, audit, clock, stopping: stopping.signal }),
  ];
  const app = createControlApp({
    routes,
    checkToken: createTokenCheck(token, clock, operations.findPerson),
    onDenied: operations.onDenied,
    warn: log,
  });
  const listening = await listenControl(app, {
    host: config.mesh.mesh.host,
    port: settings.port ?? config.mesh.mesh.port,
  });
  port = listening.port;
  cleanup.defer(() => {
    stopping.abort();
    return listening.close();
  });
  return { port, routes };
}
