import { z } from 'zod';

/**
 * What an image for agents holds beside what every agent's has. The plain one holds nothing more and is built and
 * named as if there were no variants; one with something in it has layers, names and clean-up of its own, and is built
 * when the first agent that needs it starts.
 */
export const ImageVariant = z.strictObject({
  /** In the names of its images: `openlegion-browser-agent:…`. */
  name: z.string().regex(/^[a-z][a-z0-9]{0,30}$/),
  /** Debian packages. */
  packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9.+-]{0,99}$/)),
  /** Packages of this installation's own node_modules, without what they depend on; in `MODULES_DIRECTORY`. */
  modules: z.array(z.string().regex(/^[a-z0-9][a-z0-9.-]{0,99}$/)),
  /** Someone else's image, which our agent is put into; `packages` and `modules` are then none. */
  from: z.string().min(1).max(300).optional(),
});
export type ImageVariant = z.infer<typeof ImageVariant>;

export const PLAIN_IMAGE: ImageVariant = { name: 'plain', packages: [], modules: [] };

/**
 * Debian's Chromium, what writes certificates into its store, fonts for what pages are written in, and the drivers:
 * Playwright's, and the patched one of the backend `stealth`.
 */
export const BROWSER_IMAGE: ImageVariant = {
  name: 'browser',
  packages: ['chromium', 'fonts-liberation', 'fonts-noto-color-emoji', 'fonts-wqy-zenhei', 'libnss3-tools'],
  modules: ['playwright-core', 'patchright-core'],
};

export function foreignImage(from: string): ImageVariant {
  return { name: 'foreign', packages: [], modules: [], from };
}

/** The repositories of a variant's images; nothing else is named so. */
export function imageNames(variant: ImageVariant): Record<'base' | 'runtime' | 'agent', string> {
  const prefix = variant.name === PLAIN_IMAGE.name ? 'openlegion' : `openlegion-${variant.name}`;
  return { base: `${prefix}-base`, runtime: `${prefix}-runtime`, agent: `${prefix}-agent` };
}
