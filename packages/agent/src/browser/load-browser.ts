import { join } from 'node:path';
import { AUTHORITY_FILE, PROXY_PORT } from '@openlegion/contract/program-environment';
import type { ChatRoutes } from '../api/create-agent-api.ts';
import type { AgentPaths } from '../paths.ts';
import type { AnyTool } from '../tools/tool.ts';
import type { Workspace } from '../workspace/create-workspace.ts';
import { browserTools } from './browser-tools.ts';
import { createBrowser } from './create-browser.ts';
import type { BrowserSettings } from './open-backend.ts';
import { createSaveDownload } from './save-download.ts';

/** Where the image with a browser has the drivers and Chromium itself; Debian's script around it is not needed. */
const MODULES = '/usr/local/lib/node_modules';
const CHROMIUM = '/usr/lib/chromium/chromium';

export interface LoadedBrowser {
  tools: AnyTool[];
  /** `routes` with those of the live view before them. */
  withView(routes: ChatRoutes): ChatRoutes;
}

/** The browser of an agent that may use one. Drivers, Chromium and the live view are loaded with their first use. */
export function loadBrowser(parts: {
  settings: BrowserSettings;
  paths: AgentPaths;
  workspace: Workspace;
}): LoadedBrowser {
  const { settings, paths, workspace } = parts;
  const directory = join(paths.data, 'browser');
  const place = {
    directory,
    proxyPort: PROXY_PORT,
    authorityFile: AUTHORITY_FILE,
    modules: MODULES,
    executable: CHROMIUM,
    trust: async (home: string, file: string) =>
      (await import('./trust-authority.ts')).trustAuthority(home, file),
  };
  const browser = createBrowser({
    open: async () => (await import('./open-backend.ts')).openBackend(settings, place),
    saveDownload: createSaveDownload(paths.workspace, directory, (ms, run) => {
      const timer = setInterval(run, ms);
      return () => clearInterval(timer);
    }),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  });
  let view: ChatRoutes | undefined;
  return {
    tools: browserTools({ browser, directory: paths.workspace, workspace }),
    withView: (routes) => async (request) => {
      if (!request.path.startsWith('/browser/')) return routes(request);
      view ??= (await import('./browser-view.ts')).createBrowserView(browser, routes);
      return view(request);
    },
  };
}
