import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { closeWithin } from './close-within.ts';
import type { Context, Download, Page } from './driver.ts';
import type { OpenBackend } from './open-backend.ts';

export interface BrowserParts {
  /** Loads all that a browser needs, and starts it. */
  open: () => Promise<OpenBackend>;
  /** Stores what a page offered for download; resolves with what to say of it. */
  saveDownload: (download: Download) => Promise<string>;
  /** Calls `run` in `ms`; the answer takes it back. */
  after: (ms: number, run: () => void) => () => void;
}

/** One browser of one agent, started when first used, ended when idle, started again when it died. */
export interface Browser {
  /**
   * Runs one thing at a time with the page in front. An abort is passed on by `run`; a page that does not answer
   * afterwards is closed, so that the next use is not stuck in it. Throws `unavailable` where the browser ended
   * meanwhile, and while a person holds it.
   */
  use<Result>(signal: AbortSignal, run: (tab: Tab) => Promise<Result>): Promise<Result>;
  /** The same for a person, who takes no turns: what the agent does goes on meanwhile. Starts it where none runs. */
  touch<Result>(run: (tab: Tab) => Promise<Result>): Promise<Result>;
  /** While a person holds it the agent's uses wait, and then are refused. */
  hold(on: boolean): void;
  /** What happened by itself since it was last asked: dialogs, downloads, tabs, an end. */
  takeNotes(): string[];
  /** Keeps it from being ended as idle until the answer is called. */
  keepOpen(): () => void;
  /** Ends it with all tabs; the next use starts it anew. */
  reset(): Promise<void>;
}

export interface NextDownload {
  began: Promise<void>;
  saved: Promise<string>;
}

export interface Tab {
  /** The one in front, which an action can change. */
  readonly page: Page;
  context: Context;
  /** Puts another page in front. */
  show(page: Page): void;
  /** The next download that begins: resolves then, and again with what is said of it when it is stored. */
  nextDownload(): NextDownload;
}

const IDLE_MS = 5 * 60_000;
const ACTION_MS = 10_000;
const NAVIGATION_MS = 30_000;
const ALIVE_MS = 2000;
const HELD_MS = 40_000;
const MOST_TABS = 8;
const MOST_NOTES = 20;

export function createBrowser(parts: BrowserParts): Browser {
  let opened: Promise<Live> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let users = 0;
  let cancelIdle: (() => void) | undefined;
  let held: PromiseWithResolvers<void> | null = null;
  let notes: string[] = [];
  /** Where it was when it ended without being asked to. */
  let lost: string | null = null;

  const note = (text: string) => {
    notes = [...notes, text].slice(-MOST_NOTES);
  };

  function enter(): () => void {
    users += 1;
    cancelIdle?.();
    return () => {
      users -= 1;
      if (users === 0) cancelIdle = parts.after(IDLE_MS, () => void reset());
    };
  }

  async function live(): Promise<Live> {
    const known = await opened?.catch(() => null);
    if (known && !known.dead) return known;
    opened = start();
    return opened;
  }

  async function start(): Promise<Live> {
    const backend = await parts.open();
    const { context } = backend;
    context.setDefaultTimeout(ACTION_MS);
    context.setDefaultNavigationTimeout(NAVIGATION_MS);
    const first = context.pages()[0] ?? (await context.newPage());
    const own: Live = { backend, front: first, dead: false, waiting: [] };
    context.on('close', () => {
      if (!own.dead) lost = own.front.url();
      own.dead = true;
    });
    for (const page of context.pages()) adopt(own, page);
    context.on('page', (page) => {
      if (context.pages().length > MOST_TABS) {
        note(`a page opened more than ${MOST_TABS} tabs: one was closed`);
        void page.close().catch(() => {});
        return;
      }
      adopt(own, page);
      own.front = page;
      note('a new tab was opened and is in front');
    });
    if (lost !== null) {
      const url = lost;
      lost = null;
      note(`the browser had ended and was started anew; tabs are gone. It was at ${url.slice(0, 500)}`);
      if (/^https?:/.test(url)) await first.goto(url, { waitUntil: 'domcontentloaded' }).catch(() => {});
    }
    return own;
  }

  function adopt(own: Live, page: Page): void {
    page.on('dialog', (dialog) => {
      // Leaving a page is what was asked for; anything else is not agreed to unread.
      const leaving = dialog.type() === 'beforeunload';
      if (!leaving) note(`a dialog (${dialog.type()}) was dismissed: ${dialog.message().slice(0, 500)}`);
      void (leaving ? dialog.accept() : dialog.dismiss()).catch(() => {});
    });
    page.on('download', (download) => {
      const waiter = own.waiting.shift();
      waiter?.begin();
      const saved = parts.saveDownload(download).catch((error) => `a download failed: ${String(error)}`);
      void saved.then(waiter?.end ?? note);
    });
    page.on('crash', () => {
      note('the page crashed, perhaps for want of memory, and was closed');
      void page.close().catch(() => {});
    });
    page.on('close', () => {
      if (own.front === page) own.front = own.backend.context.pages().at(-1) ?? page;
    });
  }

  async function tabOf(own: Live): Promise<Tab> {
    if (own.front.isClosed()) own.front = own.backend.context.pages().at(-1) ?? (await newFront(own));
    return {
      get page() {
        return own.front;
      },
      context: own.backend.context,
      show: (page) => {
        own.front = page;
      },
      nextDownload() {
        const began = Promise.withResolvers<void>();
        const saved = Promise.withResolvers<string>();
        own.waiting.push({ begin: began.resolve, end: saved.resolve });
        return { began: began.promise, saved: saved.promise };
      },
    };
  }

  async function newFront(own: Live): Promise<Page> {
    const page = await own.backend.context.newPage();
    notes = notes.filter((text) => !text.startsWith('a new tab'));
    return page;
  }

  async function inTurn<Result>(signal: AbortSignal, run: (tab: Tab) => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    if (held) await Promise.race([held.promise, heldTooLong(parts.after), aborted(signal)]);
    const leave = enter();
    try {
      const own = await live();
      try {
        const tab = await tabOf(own);
        return await Promise.race([run(tab), aborted(signal)]);
      } catch (error) {
        if (own.dead) throw new OpenLegionError(ENDED, { cause: error });
        if (!(await answers(own.front))) {
          note('the page no longer answered and was closed');
          await closeWithin(() => own.front.close());
        }
        throw error;
      } finally {
        own.waiting.length = 0;
      }
    } finally {
      leave();
    }
  }

  async function reset(): Promise<void> {
    const ending = opened;
    opened = null;
    lost = null;
    const own = await ending?.catch(() => null);
    if (!own) return;
    own.dead = true;
    await own.backend.close();
  }

  return {
    use(signal, run) {
      const mine = last.then(() => inTurn(signal, run));
      last = mine.catch(() => {});
      return mine;
    },
    async touch(run) {
      const leave = enter();
      try {
        return await run(await tabOf(await live()));
      } finally {
        leave();
      }
    },
    hold(on) {
      if (on) held ??= Promise.withResolvers();
      else {
        held?.resolve();
        held = null;
      }
    },
    takeNotes() {
      const taken = notes;
      notes = [];
      return taken;
    },
    keepOpen: enter,
    reset,
  };
}

interface Live {
  backend: OpenBackend;
  front: Page;
  dead: boolean;
  waiting: { begin: () => void; end: (text: string) => void }[];
}

/** Whether the page runs anything at all. */
async function answers(page: Page): Promise<boolean> {
  if (page.isClosed()) return true;
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), ALIVE_MS);
  const alive = page.evaluate('1').then(
    () => true,
    // It said no, which is an answer: a page on its way elsewhere does.
    () => true,
  );
  return Promise.race([alive, late.promise]).finally(() => clearTimeout(timer));
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function heldTooLong(after: BrowserParts['after']): Promise<never> {
  return new Promise((_resolve, reject) => {
    after(HELD_MS, () => reject(new OpenLegionError(HELD)));
  });
}

const HELD = {
  code: 'unavailable',
  rule: 'agent.browser_held',
  message: 'A person has taken over the browser.',
  remedy: 'Do something else, or try again in a while.',
} as const;

const ENDED = {
  code: 'unavailable',
  rule: 'agent.browser_ended',
  message: 'The browser ended in the middle of this: it was killed, or ran out of memory.',
  remedy:
    'Try again: it is started anew and goes back to where it was. Logins are kept by the backend persistent alone.',
} as const;
