import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** A file that was named on the command line. Throws `not_found` with its name. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'not_found',
        rule: 'cli.file',
        message: `${basename(file)} cannot be read.`,
        remedy: 'Check its path and permissions.',
      },
      { cause },
    );
  }
}
