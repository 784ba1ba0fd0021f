import type { AgentSettings } from '../config/fleet-config.ts';
import { BROWSER_IMAGE, foreignImage, type ImageVariant, PLAIN_IMAGE } from './image-variant.ts';

/** The image that an agent needs, by the program it runs and what it may do. */
export function variantOfAgent({
  permissions,
  runtime,
}: Pick<AgentSettings, 'permissions' | 'runtime'>): ImageVariant {
  if (runtime?.image !== undefined) return foreignImage(runtime.image);
  return permissions.can_use_browser ? BROWSER_IMAGE : PLAIN_IMAGE;
}
