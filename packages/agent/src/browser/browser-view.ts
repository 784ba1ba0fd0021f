import type { ServerHttp2Stream } from 'node:http2';
import { type BrowserFrame, type BrowserInput, BrowserInputs } from '@openlegion/contract/browser-view';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { answerEmpty } from '../api/answer.ts';
import type { ChatRoutes } from '../api/create-agent-api.ts';
import { readJson } from '../api/read-body.ts';
import type { HostRequest } from '../pipe/pipe.ts';
import { describeProblem } from './browser-problem.ts';
import type { Browser, Tab } from './create-browser.ts';
import type { Page } from './driver.ts';
import { VIEWPORT } from './open-backend.ts';

const INPUT_BYTES = 256 * 1024;
const MOST_VIEWERS = 3;
/** How often it is looked whether another tab is in front, and a still page gives a sign of life. */
const LOOK_MS = 500;
const LIFE_EVERY = 30;
const QUALITY = 60;

const ScreencastFrame = z.object({
  data: z.string(),
  sessionId: z.number(),
  metadata: z.object({ deviceWidth: z.number(), deviceHeight: z.number() }),
});

/** The agent's half of the live view (`contract/browser-view.ts`); what is no request of it goes to `others`. */
export function createBrowserView(browser: Browser, others: ChatRoutes): ChatRoutes {
  let viewers = 0;
  let held = false;
  const hold = (on: boolean) => {
    held = on;
    browser.hold(on);
  };

  async function frames(stream: ServerHttp2Stream): Promise<void> {
    if (viewers >= MOST_VIEWERS) throw new OpenLegionError(TOO_MANY);
    viewers += 1;
    const leave = browser.keepOpen();
    try {
      let tab = await browser.touch(async (front) => front);
      if (stream.destroyed) return;
      stream.respond({ ':status': 200, 'content-type': 'application/x-ndjson' });
      while (!stream.destroyed) {
        await cast(tab, stream, () => held, browser);
        if (!stream.destroyed) tab = await browser.touch(async (front) => front);
      }
    } finally {
      leave();
      viewers -= 1;
      // Nobody is left who could give it back.
      if (viewers === 0) hold(false);
    }
  }

  async function input({ stream }: HostRequest): Promise<void> {
    const parsed = BrowserInputs.safeParse(await readJson(stream, INPUT_BYTES));
    if (!parsed.success) throw new OpenLegionError(BAD_INPUT);
    for (const event of parsed.data.events) {
      if (event.type === 'hold') hold(event.on && viewers > 0);
      else await browser.touch(({ page }) => perform(page, event)).catch(notTaken);
    }
    answerEmpty(stream, 204);
  }

  return async (request) => {
    if (request.method === 'GET' && request.path === '/browser/frames') return frames(request.stream);
    if (request.method === 'POST' && request.path === '/browser/input') return input(request);
    return others(request);
  };
}

/** Shows one tab until the reader is gone or another is in front. A frame is made when the one before it was taken. */
async function cast(
  { page, context }: Tab,
  stream: ServerHttp2Stream,
  held: () => boolean,
  browser: Browser,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  const gone = () => over.resolve();
  stream.once('close', gone);
  const session = await context.newCDPSession(page);
  const send = async (frame: z.infer<typeof ScreencastFrame>): Promise<void> => {
    const title = await page.title().catch(() => '');
    const { deviceWidth, deviceHeight } = frame.metadata;
    const line: BrowserFrame = {
      jpeg: frame.data,
      url: page.url().slice(0, 2000),
      title: title.slice(0, 300),
      width: Math.max(1, Math.round(deviceWidth)),
      height: Math.max(1, Math.round(deviceHeight)),
      held: held(),
    };
    await write(stream, `${JSON.stringify(line)}\n`);
    await session.send('Page.screencastFrameAck', { sessionId: frame.sessionId });
  };
  session.on('Page.screencastFrame', (parameters) => {
    const frame = ScreencastFrame.safeParse(parameters);
    if (frame.success) send(frame.data).catch(gone);
  });
  let looks = 0;
  const look = setInterval(() => {
    looks += 1;
    if (looks % LIFE_EVERY === 0 && !stream.destroyed) stream.write('\n');
    browser
      .touch(async (front) => {
        if (front.page !== page) gone();
      })
      .catch(gone);
  }, LOOK_MS);
  try {
    await session.send('Page.startScreencast', {
      format: 'jpeg',
      quality: QUALITY,
      maxWidth: VIEWPORT.width,
      maxHeight: VIEWPORT.height,
    });
    await over.promise;
  } finally {
    clearInterval(look);
    stream.off('close', gone);
    await session.detach().catch(() => {});
  }
}

function write(stream: ServerHttp2Stream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stream.destroyed) return reject(new Error('the reader is gone'));
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Such as a key that there is none of, or an address that is not allowed. */
function notTaken(error: unknown): never {
  if (error instanceof OpenLegionError) throw error;
  const message = `The browser did not do it: ${describeProblem(error)}`;
  throw new OpenLegionError({ ...BAD_INPUT, message, remedy: 'Try something else.' }, { cause: error });
}

async function perform(page: Page, event: Exclude<BrowserInput, { type: 'hold' }>): Promise<void> {
  const { mouse, keyboard } = page;
  switch (event.type) {
    case 'mouse':
      await mouse.move(event.x, event.y);
      if (event.event !== 'move') await mouse[event.event]({ button: event.button });
      return;
    case 'wheel':
      return mouse.wheel(event.x, event.y);
    case 'key':
      return keyboard[event.event](event.key);
    case 'text':
      return keyboard.insertText(event.text);
    case 'navigate':
      await page.goto(event.url, { waitUntil: 'commit' });
      return;
    case 'go':
      await { back: page.goBack, forward: page.goForward, reload: page.reload }[event.to].call(page);
  }
}

const TOO_MANY = {
  code: 'rate_limited',
  rule: 'agent.browser_view',
  message: `More than ${MOST_VIEWERS} people watch this browser.`,
  remedy: 'Close one of the views.',
} as const;

const BAD_INPUT = {
  code: 'bad_request',
  rule: 'agent.browser_input',
  message: 'This is no input for a browser.',
  remedy: 'The host and the agent image may be of different versions: rebuild the image.',
} as const;
