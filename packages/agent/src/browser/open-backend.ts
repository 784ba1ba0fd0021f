import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AgentExtras } from '@openlegion/contract/agent-api';
import { unavailable } from './browser-problem.ts';
import { chromiumArguments } from './chromium-arguments.ts';
import { closeWithin } from './close-within.ts';
import { connectRemote } from './connect-remote.ts';
import type { Context, Driver } from './driver.ts';
import { HALF_DOWNLOADED } from './save-download.ts';

export type BrowserSettings = NonNullable<AgentExtras['browser']>;

/** Where a browser is and what it may use. */
export interface BrowserPlace {
  /** The browser's own directory on the agent's volume: profile, certificates, what is half downloaded. */
  directory: string;
  proxyPort: number;
  authorityFile: string;
  /** A directory `node_modules` with the drivers. */
  modules: string;
  executable: string;
  /** Puts the authority into the certificate store below a home. */
  trust: (home: string, authorityFile: string) => Promise<void>;
}

export interface OpenBackend {
  context: Context;
  /** Ends it, by force where it does not end. */
  close(): Promise<void>;
}

export const VIEWPORT = { width: 1280, height: 800 } as const;
const LAUNCH_MS = 45_000;

/**
 * Starts what `browser_backend` says, or connects to it. Without `persistent` a profile is as new each time. Throws
 * `unavailable` where there is no browser to be had.
 */
export async function openBackend(settings: BrowserSettings, place: BrowserPlace): Promise<OpenBackend> {
  const { backend } = settings;
  if (backend === 'advanced') return connectRemote(settings.endpoint, place, loadDriver);
  const driver = loadDriver(place.modules, backend === 'stealth' ? 'patchright-core' : 'playwright-core');
  const home = join(place.directory, 'home');
  const temporary = join(place.directory, 'tmp');
  const half = join(place.directory, HALF_DOWNLOADED);
  rmSync(half, { recursive: true, force: true });
  const profile = join(place.directory, backend === 'persistent' ? 'profile' : 'profile-once');
  rmSync(temporary, { recursive: true, force: true });
  if (backend !== 'persistent') rmSync(profile, { recursive: true, force: true });
  for (const made of [home, temporary, half, profile]) mkdirSync(made, { recursive: true, mode: 0o700 });
  // Left by one that was killed: it names a process that may by now be any other.
  for (const name of ['SingletonLock', 'SingletonCookie', 'SingletonSocket'])
    rmSync(join(profile, name), { force: true });
  try {
    await place.trust(home, place.authorityFile);
    const context = await driver.chromium.launchPersistentContext(profile, {
      executablePath: place.executable,
      headless: backend !== 'stealth',
      chromiumSandbox: false,
      args: chromiumArguments(place.proxyPort, backend),
      // Its shared memory would fill /tmp, which is small.
      env: { HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8', PATH: '/usr/bin:/bin' },
      viewport: VIEWPORT,
      acceptDownloads: true,
      downloadsPath: half,
      timeout: LAUNCH_MS,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    return { context, close: () => closeWithin(() => context.close()) };
  } catch (cause) {
    throw unavailable('Chromium did not start', cause);
  }
}

function loadDriver(modules: string, name: 'playwright-core' | 'patchright-core'): Driver {
  try {
    return createRequire(modules)(name);
  } catch (cause) {
    throw unavailable('There is no browser in this image', cause);
  }
}
