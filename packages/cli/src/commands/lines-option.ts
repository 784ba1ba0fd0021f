import { InvalidArgumentError, Option } from 'commander';

/** `-n, --lines <n>`, a whole number from 1; anything else is a wrong call. */
export function linesOption(description: string, standard: number): Option {
  return new Option('-n, --lines <n>', description).default(standard).argParser((typed) => {
    if (!/^[1-9][0-9]{0,8}$/.test(typed)) throw new InvalidArgumentError('It takes a whole number from 1.');
    return Number(typed);
  });
}
