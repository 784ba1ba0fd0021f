/*
 * What is used of Playwright, which the patched driver shares. Written down here because neither is a dependency of
 * this package: the image with Chromium in it holds them, and no other.
 */

export interface Driver {
  chromium: {
    launchPersistentContext(directory: string, options: LaunchOptions): Promise<Context>;
    connectOverCDP(transport: Transport): Promise<RemoteBrowser>;
  };
}

export interface LaunchOptions {
  executablePath: string;
  headless: boolean;
  chromiumSandbox: false;
  args: string[];
  env: Record<string, string>;
  viewport: { width: number; height: number };
  acceptDownloads: true;
  downloadsPath: string;
  timeout: number;
  handleSIGINT: false;
  handleSIGTERM: false;
  handleSIGHUP: false;
}

/** Carries messages of the DevTools protocol, whole. */
export interface Transport {
  send(message: object): void;
  close(): void;
  onmessage?: (message: object) => void;
  onclose?: (reason?: string) => void;
}

export interface RemoteBrowser {
  contexts(): Context[];
  newContext(): Promise<Context>;
  close(): Promise<void>;
  on(event: 'disconnected', listener: () => void): unknown;
}

export interface Context {
  pages(): Page[];
  newPage(): Promise<Page>;
  newCDPSession(page: Page): Promise<CdpSession>;
  close(): Promise<void>;
  setDefaultTimeout(ms: number): void;
  setDefaultNavigationTimeout(ms: number): void;
  on(event: 'page', listener: (page: Page) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
}

interface Limits {
  timeout?: number;
  signal?: AbortSignal;
}

export interface Page {
  url(): string;
  title(): Promise<string>;
  isClosed(): boolean;
  close(): Promise<void>;
  bringToFront(): Promise<void>;
  goto(url: string, options?: Limits & { waitUntil?: 'commit' | 'domcontentloaded' }): Promise<Answer | null>;
  goBack(options?: Limits): Promise<Answer | null>;
  goForward(options?: Limits): Promise<Answer | null>;
  reload(options?: Limits): Promise<Answer | null>;
  ariaSnapshot(options: Limits & { mode: 'ai' }): Promise<string>;
  screenshot(options: ScreenshotOptions): Promise<Buffer>;
  evaluate(expression: string): Promise<unknown>;
  locator(selector: string): Locator;
  getByText(text: string): Locator;
  waitForTimeout(ms: number): Promise<void>;
  mouse: {
    click(x: number, y: number, options?: ClickOptions): Promise<void>;
    move(x: number, y: number): Promise<void>;
    down(options?: ClickOptions): Promise<void>;
    up(options?: ClickOptions): Promise<void>;
    wheel(x: number, y: number): Promise<void>;
  };
  keyboard: {
    press(key: string): Promise<void>;
    down(key: string): Promise<void>;
    up(key: string): Promise<void>;
    insertText(text: string): Promise<void>;
  };
  on(event: 'dialog', listener: (dialog: Dialog) => void): unknown;
  on(event: 'download', listener: (download: Download) => void): unknown;
  on(event: 'crash' | 'close', listener: () => void): unknown;
}

export interface Answer {
  status(): number;
}

interface ClickOptions {
  button?: 'left' | 'right' | 'middle';
  clickCount?: number;
}

interface ScreenshotOptions extends Limits {
  type: 'jpeg';
  quality: number;
  fullPage?: boolean;
}

export interface Locator {
  count(): Promise<number>;
  first(): Locator;
  click(options?: Limits & ClickOptions): Promise<void>;
  fill(text: string, options?: Limits): Promise<void>;
  pressSequentially(text: string, options?: Limits): Promise<void>;
  press(key: string, options?: Limits): Promise<void>;
  selectOption(values: string[], options?: Limits): Promise<string[]>;
  setInputFiles(files: { name: string; mimeType: string; buffer: Buffer }[], options?: Limits): Promise<void>;
  scrollIntoViewIfNeeded(options?: Limits): Promise<void>;
  ariaSnapshot(options: Limits & { mode: 'ai' }): Promise<string>;
  screenshot(options: ScreenshotOptions): Promise<Buffer>;
  waitFor(options: Limits & { state: 'visible' | 'hidden' }): Promise<void>;
}

interface Dialog {
  type(): string;
  message(): string;
  accept(): Promise<void>;
  dismiss(): Promise<void>;
}

export interface Download {
  suggestedFilename(): string;
  saveAs(path: string): Promise<void>;
  cancel(): Promise<void>;
  delete(): Promise<void>;
}

export interface CdpSession {
  send(method: string, parameters?: object): Promise<unknown>;
  on(event: string, listener: (parameters: unknown) => void): unknown;
  detach(): Promise<void>;
}
