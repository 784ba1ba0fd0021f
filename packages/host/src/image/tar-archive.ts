import { Readable } from 'node:stream';

export interface TarEntry {
  /** Relative; a name of at most 100 bytes below a directory of at most 155. */
  path: string;
  mode: number;
  bytes: number;
  content: Buffer | (() => AsyncIterable<Buffer>);
}

const BLOCK = 512;

/**
 * A POSIX ustar archive of regular files, streamed. Owner and time are 0, so that equal files give equal archives
 * and the engine's layer cache applies. Fails when a file is not as long as was said.
 */
export function createTarArchive(entries: readonly TarEntry[]): Readable {
  async function* blocks() {
    for (const entry of entries) {
      yield header(entry);
      let written = 0;
      const chunks = typeof entry.content === 'function' ? entry.content() : [entry.content];
      for await (const chunk of chunks) {
        written += chunk.length;
        if (chunk.length > 0) yield chunk;
      }
      if (written !== entry.bytes) throw new Error(`${entry.path} changed while it was read`);
      if (written % BLOCK > 0) yield Buffer.alloc(BLOCK - (written % BLOCK));
    }
    yield Buffer.alloc(2 * BLOCK);
  }
  return Readable.from(blocks(), { objectMode: false });
}

function header({ path, mode, bytes }: TarEntry): Buffer {
  const block = Buffer.alloc(BLOCK);
  const [prefix, name] = splitPath(path);
  const octal = (value: number, at: number, length: number) => {
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'ascii');
  };
  name.copy(block, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes, 124, 12);
  octal(0, 136, 12);
  block.write('        ', 148, 'ascii');
  block.write('0', 156, 'ascii');
  block.write('ustar\0' + '00', 257, 'ascii');
  prefix.copy(block, 345);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return block;
}

/** POSIX: the slash between the two is not stored. The first slash after which the rest fits is taken. */
function splitPath(path: string): [prefix: Buffer, name: Buffer] {
  for (let slash = -1; ; slash = path.indexOf('/', slash + 1)) {
    const prefix = Buffer.from(path.slice(0, Math.max(slash, 0)));
    const name = Buffer.from(path.slice(slash + 1));
    if (prefix.length <= 155 && name.length <= 100) return [prefix, name];
    if (path.indexOf('/', slash + 1) === -1) throw new Error(`a path too long for a tar archive: ${path}`);
  }
}
