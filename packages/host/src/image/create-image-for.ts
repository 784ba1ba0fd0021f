import { type ImageVariant, PLAIN_IMAGE } from './image-variant.ts';

/** The name of a variant's image. The first who asks has it built; all others wait for the same. */
export type ImageFor = (variant: ImageVariant) => Promise<string>;

/** One build at a time, since each takes a machine's whole attention. What failed is tried again when asked again. */
export function createImageFor(parts: {
  plain: string;
  ensure: (variant: ImageVariant) => Promise<string>;
}): ImageFor {
  const images = new Map<string, Promise<string>>([
    [JSON.stringify(PLAIN_IMAGE), Promise.resolve(parts.plain)],
  ]);
  let last: Promise<unknown> = Promise.resolve();
  return (variant) => {
    const key = JSON.stringify(variant);
    const known = images.get(key);
    if (known) return known;
    const building = last.then(() => parts.ensure(variant));
    last = building.catch(() => images.delete(key));
    images.set(key, building);
    return building;
  };
}
