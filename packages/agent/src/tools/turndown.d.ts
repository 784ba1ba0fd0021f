declare module 'turndown' {
  class TurndownService {
    constructor(options?: { headingStyle?: 'setext' | 'atx'; codeBlockStyle?: 'indented' | 'fenced' });
    turndown(html: unknown): string;
  }
  export = TurndownService;
}
