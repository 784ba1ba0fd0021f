import type { Context, Download, Page } from '../driver.ts';
import type { OpenBackend } from '../open-backend.ts';

type Listener = (of: never) => void;

/** A page that does nothing but be somewhere. */
export interface FakePage {
  page: Page;
  emit(event: string, of?: unknown): void;
}

export interface FakeBackend {
  backend: OpenBackend;
  pages: FakePage[];
  /** The browser is gone, as if killed. */
  die(): void;
  closed: boolean;
}

/** A browser by hand: enough of a driver for what happens around actions. */
export function createFakeBackend(): FakeBackend {
  const listeners = new Map<string, Listener[]>();
  const fake: FakeBackend = { backend: {} as OpenBackend, pages: [], closed: false, die: () => end() };
  const end = () => {
    for (const listener of listeners.get('close') ?? []) listener(undefined as never);
  };
  const newPage = async (): Promise<Page> => {
    const made = createFakePage(() => {
      fake.pages = fake.pages.filter((one) => one !== made);
    });
    fake.pages.push(made);
    for (const listener of listeners.get('page') ?? []) listener(made.page as never);
    return made.page;
  };
  const context = {
    pages: () => fake.pages.map(({ page }) => page),
    newPage,
    setDefaultTimeout() {},
    setDefaultNavigationTimeout() {},
    on: (event: string, listener: Listener) => {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
    },
  };
  fake.backend = {
    context: context as unknown as Context,
    close: async () => {
      fake.closed = true;
      end();
    },
  };
  return fake;
}

function createFakePage(onClose: () => void): FakePage {
  const listeners = new Map<string, Listener[]>();
  const emit = (event: string, of?: unknown) => {
    for (const listener of listeners.get(event) ?? []) listener(of as never);
  };
  let url = 'about:blank';
  let closed = false;
  const page = {
    url: () => url,
    isClosed: () => closed,
    goto: async (to: string) => {
      url = to;
      return null;
    },
    evaluate: async () => 1,
    close: async () => {
      closed = true;
      onClose();
      emit('close');
    },
    on: (event: string, listener: Listener) => {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
    },
  };
  return { page: page as unknown as Page, emit };
}

export function fakeDownload(name: string): Download {
  return {
    suggestedFilename: () => name,
    saveAs: async () => {},
    cancel: async () => {},
    delete: async () => {},
  };
}
