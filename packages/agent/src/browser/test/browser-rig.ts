import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyTool, ToolResult } from '../../tools/tool.ts';
import { createWorkspace } from '../../workspace/create-workspace.ts';
import { browserTools } from '../browser-tools.ts';
import { type Browser, createBrowser } from '../create-browser.ts';
import { type BrowserSettings, openBackend } from '../open-backend.ts';
import { createSaveDownload } from '../save-download.ts';
import { chromiumPids } from './chromium-pids.ts';

const CHROMIUM = '/usr/lib/chromium/chromium';
/** Debian's Chromium is not everywhere; in the container tests it always is. */
export const NO_CHROMIUM = existsSync(CHROMIUM) ? false : 'Debian’s chromium is not installed here';

export type Site = (request: IncomingMessage, response: ServerResponse) => void;

export interface BrowserRig extends AsyncDisposable {
  browser: Browser;
  directory: string;
  workspace: string;
  /** What the browser asked its proxy for: `GET http://…`, `CONNECT host:port`. */
  asked: string[];
  call(tool: string, input?: object, signal?: AbortSignal): Promise<ToolResult>;
  /** Process ids of its Chromium. */
  pids(): number[];
}

/**
 * A browser as the agent has it, outside of a container, with Debian's Chromium. Its proxy knows one host,
 * `site.test`, which is `site`; it refuses everything else as the gateway does.
 */
export async function startBrowser(
  site: Site,
  settings: Partial<BrowserSettings> = {},
  change: { executable?: string } = {},
): Promise<BrowserRig> {
  const directory = mkdtempSync(join(tmpdir(), 'ol-browser-'));
  const workspace = join(directory, 'workspace');
  const asked: string[] = [];
  const server = createServer(site);
  server.listen(0, '127.0.0.1');
  const proxy = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const url = URL.parse(incoming.url ?? '');
    if (url?.host !== 'site.test') return void response.writeHead(403).end('refused');
    const { port } = server.address() as AddressInfo;
    const { method, headers } = incoming;
    const onward = request({ port, host: '127.0.0.1', method, headers, path: url.pathname + url.search });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  });
  proxy.on('connect', (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    socket.on('error', () => {});
    socket.end('HTTP/1.1 403 Refused\r\ncontent-length: 0\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(proxy, 'listening')]);
  const place = {
    directory: join(directory, 'browser'),
    proxyPort: (proxy.address() as AddressInfo).port,
    authorityFile: '',
    modules: join(import.meta.dirname, '../../../../../node_modules'),
    executable: CHROMIUM,
    trust: async () => {},
    ...change,
  };
  const browser = createBrowser({
    open: () => openBackend({ backend: 'basic', endpoint: null, actions: [], ...settings }, place),
    saveDownload: createSaveDownload(workspace, place.directory, (ms, run) => {
      const timer = setInterval(run, ms);
      return () => clearInterval(timer);
    }),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
  });
  const tools = new Map<string, AnyTool>(
    browserTools({ browser, directory: workspace, workspace: createWorkspace(workspace) }).map((tool) => [
      tool.name,
      tool,
    ]),
  );
  let calls = 0;
  return {
    browser,
    directory,
    workspace,
    asked,
    async call(name, input = {}, signal = new AbortController().signal) {
      const parsed = tools.get(`browser_${name}`)?.parse(input);
      if (!parsed) throw new Error(`there is no browser_${name}`);
      if (!parsed.ok) return { outcome: 'error', output: `wrong arguments: ${parsed.problem}` };
      calls += 1;
      return parsed.run({ signal, messageId: 'm', callId: `c${calls}` });
    },
    pids: () => chromiumPids(place.directory),
    async [Symbol.asyncDispose]() {
      await browser.reset();
      server.closeAllConnections();
      server.close();
      proxy.closeAllConnections();
      proxy.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
