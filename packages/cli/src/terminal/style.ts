import { styleText } from 'node:util';

export type Tone = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

/** Colours text, or leaves it as it is where no one sees colours. */
export type Style = (tone: Tone, text: string) => string;

export function createStyle(options: { isTty: boolean; environment: NodeJS.ProcessEnv }): Style {
  const { isTty, environment } = options;
  const plain = !isTty || environment.NO_COLOR !== undefined || environment.CI !== undefined;
  return (tone, text) => (plain ? text : styleText(tone, text, { validateStream: false }));
}
