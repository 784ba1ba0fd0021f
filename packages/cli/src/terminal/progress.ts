import { oneLine } from './safe-text.ts';
import type { Terminal } from './terminal.ts';

/** Long steps, shown while they go: one line that changes on a terminal, one line per step elsewhere. */
export interface Progress {
  step(text: string): void;
  done(text: string): void;
  /** Takes the changing line away. */
  clear(): void;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export function createProgress(terminal: Terminal): Progress {
  const { errors, style } = terminal;
  const live = Boolean(errors.isTTY) && terminal.interactive;
  let current = '';
  let frame = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    frame = (frame + 1) % FRAMES.length;
    const width = Math.max(20, (terminal.output.columns ?? 80) - 4);
    errors.write(`\r\u001b[2K${style('cyan', FRAMES[frame] ?? '')} ${oneLine(current, width)}`);
  };
  const clear = () => {
    clearInterval(timer);
    timer = undefined;
    if (live && current) errors.write('\r\u001b[2K');
    current = '';
  };
  return {
    clear,
    step(text) {
      if (!live) {
        if (text !== current) errors.write(`${oneLine(text, 110)} …\n`);
        current = text;
        return;
      }
      current = text;
      draw();
      timer ??= setInterval(draw, 100);
      timer.unref();
    },
    done(text) {
      clear();
      errors.write(`${style('green', '✓')} ${text}\n`);
    },
  };
}
