import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { BrowserFrame, type BrowserInputs } from '@openlegion/contract/browser-view';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { safeText } from '../terminal/safe-text.ts';
import { serveBrowserViewer } from './browser-viewer-server.ts';

/** Shows an agent's browser on a page of this machine's own, until it is interrupted; with `out` one picture of it. */
export async function browserView(
  { home, terminal }: CommandContext,
  agent: string,
  { out }: { out?: string },
): Promise<number> {
  const control = createControlClient(home);
  const path = `/api/agents/${encodeURIComponent(agent)}/browser`;
  const frames = (signal: AbortSignal) => control.stream({ method: 'GET', path: `${path}/frames`, signal });
  if (out !== undefined) {
    const stop = new AbortController();
    for await (const line of createInterface({ input: await frames(stop.signal) })) {
      if (line === '') continue;
      const frame = BrowserFrame.parse(JSON.parse(line));
      await writeFile(out, Buffer.from(frame.jpeg, 'base64'));
      terminal.line(
        `${out}: ${frame.width}×${frame.height}, ${safeText(frame.title)} <${safeText(frame.url)}>`,
      );
      stop.abort();
      return 0;
    }
    throw new OpenLegionError(NO_FRAME);
  }
  // Before there is a page: what is refused is said here.
  const first = new AbortController();
  await frames(first.signal);
  first.abort();
  const viewer = await serveBrowserViewer({
    agent,
    frames,
    input: async (inputs: BrowserInputs) => {
      await control.bytes({ method: 'POST', path: `${path}/input`, json: inputs });
    },
    secret: () => randomBytes(32).toString('base64url'),
  });
  terminal.line(`Open ${viewer.url}`);
  terminal.line(
    'It can be opened once. What it shows is a web page’s: type nothing there that the page may not know.',
  );
  terminal.line('Ctrl-C ends it.');
  await once(process, 'SIGINT');
  await viewer.close();
  return 0;
}

const NO_FRAME = {
  code: 'upstream_failed',
  rule: 'cli.browser_view',
  message: 'The agent’s browser showed nothing.',
  remedy: 'Try again; data/logs/host.log may say why.',
} as const;
