import { readFileSync } from 'node:fs';
import { configPaths } from '@openlegion/contract/installation';

/** As the contract bounds it; what is beyond is left out. */
const MOST_CHARACTERS = 32_000;

/** What `config/PROJECT.md` says, for every agent's prompt; nothing where there is no such file. */
export function readProject(home: string): string {
  try {
    return readFileSync(`${configPaths(home).directory}/PROJECT.md`, 'utf8').slice(0, MOST_CHARACTERS);
  } catch {
    return '';
  }
}
