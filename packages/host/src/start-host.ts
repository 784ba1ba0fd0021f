import type { HostParts } from './host-parts.ts';
import { openHost } from './open-host.ts';
import type { RouteDeclaration } from './router/route-declaration.ts';
import { serveHost } from './serve-host.ts';
import { wireHost } from './wire-host.ts';

export interface Host {
  port: number;
  /** What it answers, on either surface, with what each takes. */
  routes: readonly RouteDeclaration[];
  /** Ends turns (they are taken up again at the next start), agents and connections, in this order; then the store. */
  stop(): Promise<void>;
}

/**
 * The mesh host, from its database to its port. It listens before the engine and the image are ready; messages wait
 * for those. Throws OpenLegionError with a remedy when the store or the port cannot be had; nothing is left open.
 * What a stage opens it puts on `cleanup`, which ends it in the opposite order.
 */
export async function startHost(parts: HostParts): Promise<Host> {
  const stopping = new AbortController();
  await using cleanup = new AsyncDisposableStack();
  const opened = await openHost(parts, cleanup);
  const wired = wireHost(parts, opened, stopping.signal, cleanup);
  const { port, routes } = await serveHost(parts, opened, wired, stopping, cleanup);

  const { approvals, lanes, workflows, coordination, spawn, mesh } = wired;
  const resumed = approvals.approvals.resume();
  cleanup.defer(() => resumed);
  await lanes.start();
  await workflows.start();
  cleanup.defer(() => workflows.stop());
  await coordination.start();
  spawn.spawned.start();
  cleanup.defer(() => coordination.stop());

  const held = cleanup.move();
  return { port, routes: [...routes, ...mesh.routes], stop: () => held.disposeAsync() };
}
