import type { AgentSettings } from '../config/fleet-config.ts';
import { BROWSER_IMAGE, type ImageVariant, PLAIN_IMAGE } from './image-variant.ts';

/** The image that an agent needs, by what it may do. */
export function variantOfAgent({ permissions }: Pick<AgentSettings, 'permissions'>): ImageVariant {
  return permissions.can_use_browser ? BROWSER_IMAGE : PLAIN_IMAGE;
}
