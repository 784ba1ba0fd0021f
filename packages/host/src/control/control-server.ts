import { createAdaptorServer } from '@hono/node-server';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { REFUSAL_STATUS, type Refusal, type RefusalBody } from '@openlegion/contract/refusal';
import { Hono } from 'hono';
import { LOOPBACK_HOSTS } from '../config/cross-check.ts';
import { JSON_BODY_BYTES, tooLarge } from '../mesh/read-json-body.ts';
import { refusalOf } from '../pipe/answer-refusal.ts';
import type { ControlRoute } from './control-routes.ts';
import type { KnownCaller, TokenDecision } from './control-token.ts';
import { refuseRole } from './decide-role.ts';
import { guardRequest } from './guard.ts';

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export type ControlApp = Hono<{ Variables: { caller: KnownCaller } }>;

/** Connections at a time; event streams hold theirs. */
const MOST_CONNECTIONS = 512;

/** The control API as a function of a request, without a socket. Every route is behind the guard, unknown ones too. */
export function createControlApp(options: {
  routes: readonly ControlRoute[];
  checkToken: (authorization: string | undefined) => TokenDecision;
  /** Told of each refusal of a role, before it is answered. */
  onDenied: (caller: KnownCaller, route: ControlRoute) => Promise<void>;
  warn: (message: string) => void;
}): ControlApp {
  const app: ControlApp = new Hono();
  function guard({ headers }: Request) {
    const header = (name: string) => headers.get(name) ?? undefined;
    const named = { host: header('host'), origin: header('origin'), authorization: header('authorization') };
    return guardRequest(named, options.checkToken);
  }
  app.use('*', async (context, next) => {
    const guarded = guard(context.req.raw);
    if (guarded.refusal) context.res = refusalResponse(guarded.refusal);
    else {
      context.set('caller', guarded.caller);
      await next();
    }
    for (const [name, value] of Object.entries(HEADERS)) context.res.headers.set(name, value);
  });
  for (const route of options.routes) {
    const path = route.path.replace('{rest}', ':rest{.+}').replace(/\{(\w+)\}/g, ':$1');
    app.on(route.method, path, async (context) => {
      const caller = context.get('caller');
      const refusal = refuseRole(caller, route.permission);
      if (refusal) {
        await options.onDenied(caller, route);
        return refusalResponse(refusal);
      }
      const { signal } = context.req.raw;
      return route.run({
        caller,
        parameter: (name) => context.req.param(name) ?? '',
        query: (name) => context.req.query(name),
        async body(maxBytes = JSON_BODY_BYTES) {
          const bytes = await readBytes(context.req.raw, maxBytes);
          // A body takes as long as the caller likes: a token that is over by now does nothing more.
          const { refusal } = guard(context.req.raw);
          if (refusal) throw new OpenLegionError(refusal);
          return bytes;
        },
        signal: caller.revoked ? AbortSignal.any([signal, caller.revoked]) : signal,
      });
    });
  }
  app.notFound(() => refusalResponse(NO_ROUTE));
  app.onError((error) => {
    if (!(error instanceof OpenLegionError)) options.warn(`control API: ${error.stack ?? error.message}`);
    return refusalResponse(refusalOf(error));
  });
  return app;
}

async function readBytes(request: Request, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusalResponse(refusal: Refusal): Response {
  const body: RefusalBody = { type: 'error', error: { type: 'openlegion_refusal', ...refusal } };
  return Response.json(body, { status: REFUSAL_STATUS[refusal.code] });
}

/**
 * Listens on loopback; any other address is refused, whatever the configuration says. Throws `conflict` when the
 * port is taken, `denied` when it may not be had.
 */
export async function listenControl(
  app: Pick<ControlApp, 'fetch'>,
  { host, port }: { host: string; port: number },
): Promise<{ port: number; close(): Promise<void> }> {
  if (!LOOPBACK_HOSTS.includes(host)) throw new OpenLegionError(PUBLIC_BIND);
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false });
  if ('maxConnections' in server) server.maxConnections = MOST_CONNECTIONS;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (cause: Error) => reject(listenError(cause, port)));
  // Not what the resolver says `localhost` is, which an entry in a hosts file can change.
  server.listen(port, host === 'localhost' ? '127.0.0.1' : host, resolve);
  await promise;
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

function listenError(cause: Error, port: number): OpenLegionError {
  const code = 'code' in cause ? cause.code : '';
  const refusal: Refusal =
    code === 'EADDRINUSE'
      ? {
          code: 'conflict',
          rule: 'control.port',
          message: `Port ${port} on 127.0.0.1 is taken by another program.`,
          remedy:
            'Stop it (an OpenLegion of another home, perhaps), or set another mesh.port in config/mesh.yaml.',
        }
      : {
          code: code === 'EACCES' ? 'denied' : 'internal',
          rule: 'control.port',
          message: `The control API cannot listen on port ${port} (${String(code)}).`,
          remedy: 'Set another mesh.port in config/mesh.yaml; ports below 1024 need root.',
        };
  return new OpenLegionError(refusal, { cause });
}

const PUBLIC_BIND: Refusal = {
  code: 'denied',
  rule: 'mesh.host',
  message: 'The control API is never bound to a public address.',
  remedy:
    'Set mesh.host in config/mesh.yaml to 127.0.0.1, and reach it from elsewhere through an SSH tunnel.',
};

const NO_ROUTE: Refusal = {
  code: 'not_found',
  rule: 'control.route',
  message: 'The control API has no such method and path.',
  remedy: 'See docs/architecture.md for what it has.',
};
