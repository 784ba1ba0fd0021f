import { ensureImage } from '../packages/host/src/image/ensure-image.ts';
import { benchEngine } from './bench-engine.ts';

/** The product's own image, built when its inputs have changed. */
export async function benchImage(progress: (text: string) => void): Promise<string> {
  const engine = await benchEngine();
  try {
    const { image } = await ensureImage({
      engine,
      signal: new AbortController().signal,
      onProgress: ({ text }) => progress(text),
    });
    return image;
  } finally {
    engine.close();
  }
}
