import { existsSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { createOutputCapture, type OutputCapture } from './output-capture.ts';

const MAX_FILES = 200;
const MAX_BYTES = 128 * 1024 * 1024;

/** Where whole outputs are kept that were too long to show. */
export interface OutputFiles {
  capture(messageId: string, callId: string): OutputCapture;
  /** `output` as it may be shown to the model; kept whole in a file where it is longer. */
  fit(messageId: string, callId: string, output: string): Promise<string>;
  /** Removes the oldest beyond 200 files or 128 MiB. */
  prune(): void;
}

export function createOutputFiles(directory: string): OutputFiles {
  const path = (messageId: string, callId: string) =>
    `${directory}/${`${messageId}-${callId}`.replaceAll(/[^A-Za-z0-9_-]/g, '_')}.txt`;
  return {
    capture: (messageId, callId) => createOutputCapture(path(messageId, callId)),
    async fit(messageId, callId, output) {
      if (output.length <= 30_000) return output;
      const capture = createOutputCapture(path(messageId, callId));
      capture.add(Buffer.from(output));
      return capture.finish();
    },
    prune() {
      if (!existsSync(directory)) return;
      const files = readdirSync(directory).flatMap((name) => {
        const stat = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
        return stat?.isFile() ? [{ path: `${directory}/${name}`, bytes: stat.size, at: stat.mtimeMs }] : [];
      });
      files.sort((a, b) => b.at - a.at);
      let bytes = 0;
      for (const [index, file] of files.entries()) {
        bytes += file.bytes;
        if (index >= MAX_FILES || bytes > MAX_BYTES) unlinkSync(file.path);
      }
    },
  };
}
