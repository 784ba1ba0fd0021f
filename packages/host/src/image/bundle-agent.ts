import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { rolldown } from 'rolldown';

export interface BundledFile {
  /** Below /opt/openlegion. */
  path: string;
  content: Buffer;
}

/**
 * One main file per entry (`agent.js`, `probe.js`), with what they import lazily or share as chunks beside them. The
 * same sources give the same bytes. Throws `internal` with the bundler's message when the sources do not compile.
 */
export async function bundleAgent(entries: Record<string, string>): Promise<BundledFile[]> {
  try {
    await using bundle = await rolldown({
      input: entries,
      platform: 'node',
      logLevel: 'silent',
      treeshake: true,
    });
    const { output } = await bundle.generate({
      format: 'esm',
      minify: { compress: true, mangle: false, codegen: true },
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
    });
    return output
      .map((file) => ({
        path: file.fileName,
        content: Buffer.from(file.type === 'chunk' ? file.code : file.source),
      }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'internal',
        rule: 'image.bundle',
        message: `The agent could not be bundled: ${cause instanceof Error ? cause.message.slice(0, 800) : 'unknown'}`,
        remedy:
          'Run npm ci again; when the sources were changed, npm run check shows what is wrong with them.',
      },
      { cause },
    );
  }
}
