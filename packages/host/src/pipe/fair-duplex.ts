import { Duplex } from 'node:stream';

/** At most this much of one agent's output is parsed before every other agent and timer had its turn. */
const SLICE_BYTES = 64 * 1024;
/** A byte of honest traffic costs some nanoseconds to parse, one of tiny frames up to a thousand times as much. */
const HONEST_BYTES_PER_MS = 16 * 1024;
/** After an expensive slice the agent waits this many times what the slice took. */
const WAIT_FACTOR = 3;

/**
 * `bytes`, read in slices, one a turn of the event loop. What is pushed here is parsed synchronously by HTTP/2, so
 * the time of a push is the time that the agent costs us: an agent whose bytes cost far more than honest ones
 * (frames of one byte, headers without end) is read more slowly, and never holds more than about a quarter of the
 * processor, however much it sends. Its pipe then fills and its own writes wait.
 */
export function fairDuplex(bytes: Duplex, nowMs: () => number = threadMs): Duplex {
  let wanted = false;
  let waiting = false;
  let timer: NodeJS.Timeout | NodeJS.Immediate | undefined;
  const slices: Buffer[] = [];
  let inputEnded = false;

  const duplex = new Duplex({
    allowHalfOpen: false,
    readableHighWaterMark: SLICE_BYTES,
    read() {
      wanted = true;
      // Not from in here: what is pushed during a read is handed on later, and its cost would not be seen.
      process.nextTick(next);
    },
    write(chunk: Buffer, _encoding, done) {
      bytes.write(chunk, (error) => done(error ?? null));
    },
    writev(chunks, done) {
      // Frames are small, and one write of them together costs the kernel less than their list does.
      bytes.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), (error) => done(error ?? null));
    },
    final(done) {
      bytes.end(() => done());
    },
    destroy(error, done) {
      clearTimeout(timer as NodeJS.Timeout);
      clearImmediate(timer as NodeJS.Immediate);
      slices.length = 0;
      bytes.destroy();
      done(error);
    },
  });

  function next(): void {
    if (!wanted || waiting || duplex.destroyed) return;
    const slice = slices.shift();
    if (slice === undefined) {
      if (inputEnded) duplex.push(null);
      else bytes.resume();
      return;
    }
    waiting = true;
    const before = nowMs();
    wanted = duplex.push(slice);
    const tookMs = nowMs() - before;
    const expensive = tookMs > 1 && slice.length / tookMs < HONEST_BYTES_PER_MS;
    const proceed = () => {
      waiting = false;
      next();
    };
    timer = expensive ? setTimeout(proceed, tookMs * WAIT_FACTOR) : setImmediate(proceed);
  }

  bytes.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) slices.push(chunk.subarray(at, at + SLICE_BYTES));
    next();
    // Only an agent that sends more than a slice a turn is held back: pausing costs a call each time.
    if (slices.length > 0) bytes.pause();
  });
  bytes.on('end', () => {
    inputEnded = true;
    next();
  });
  bytes.on('error', (error) => duplex.destroy(error));
  bytes.on('close', () => {
    if (!inputEnded) duplex.destroy();
  });
  return duplex;
}

/** Processor time, not the clock's: a host that others keep from the processor must not hold it against the agent. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
