import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { unavailable } from './browser-problem.ts';
import { closeWithin } from './close-within.ts';
import type { Driver, Transport } from './driver.ts';
import type { BrowserPlace, OpenBackend } from './open-backend.ts';

/** Of one message of the DevTools protocol; a screenshot of a long page is the largest. */
const MESSAGE_BYTES = 64 * 1024 * 1024;
const CONNECT_MS = 30_000;

/** What is used of the `ws` that the drivers bring with them. */
interface Socket {
  on(event: 'open' | 'error' | 'message' | 'close', listener: (data?: unknown) => void): unknown;
  send(text: string): void;
  close(): void;
  terminate(): void;
}
interface Bundled {
  ws: new (url: string, options: object) => Socket;
  HttpsProxyAgent: new (url: string) => object;
}

/**
 * A browser elsewhere that speaks the DevTools protocol, reached by the agent's proxy like anything else: its host is
 * one of `allowed_domains`, and a credential bound to it is added on the way. Refused without `browser_endpoint`.
 */
export async function connectRemote(
  endpoint: string | null,
  place: BrowserPlace,
  loadDriver: (modules: string, name: 'playwright-core') => Driver,
): Promise<OpenBackend> {
  if (endpoint === null) throw new OpenLegionError(NO_ENDPOINT);
  const driver = loadDriver(place.modules, 'playwright-core');
  const bundled: Bundled = createRequire(place.modules)('playwright-core/lib/utilsBundle');
  try {
    const transport = await openTransport(new URL(endpoint), place, bundled);
    const browser = await driver.chromium.connectOverCDP(transport);
    const context = browser.contexts()[0] ?? (await browser.newContext());
    return { context, close: () => closeWithin(() => browser.close()) };
  } catch (cause) {
    throw unavailable('The browser at browser_endpoint could not be reached', cause);
  }
}

async function openTransport(
  url: URL,
  place: BrowserPlace,
  { ws, HttpsProxyAgent }: Bundled,
): Promise<Transport> {
  const socket = new ws(url.href, {
    agent: new HttpsProxyAgent(`http://127.0.0.1:${place.proxyPort}`),
    ca: readFileSync(place.authorityFile, 'utf8'),
    handshakeTimeout: CONNECT_MS,
    maxPayload: MESSAGE_BYTES,
    followRedirects: false,
  });
  const opened = Promise.withResolvers<void>();
  socket.on('open', () => opened.resolve());
  socket.on('error', (error) => opened.reject(error));
  socket.on('close', () => opened.reject(new Error('the connection was closed')));
  await opened.promise;
  const transport: Transport = {
    send: (message) => socket.send(JSON.stringify(message)),
    close: () => socket.terminate(),
  };
  socket.on('message', (data) => {
    try {
      transport.onmessage?.(JSON.parse(String(data)));
    } catch {
      // Not the protocol: whoever sends that is no browser.
      socket.terminate();
    }
  });
  socket.on('close', () => transport.onclose?.());
  return transport;
}

const NO_ENDPOINT = {
  code: 'denied',
  rule: 'agents.browser_endpoint',
  message: 'The backend "advanced" is a browser elsewhere, and this agent has no browser_endpoint.',
  remedy:
    'Set browser_endpoint in config/agents.yaml to its wss:// address, and allow its host in allowed_domains.',
} as const;
