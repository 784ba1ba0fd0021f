import { readFileSync } from 'node:fs';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { z } from 'zod';
import { CATALOG } from '../programs.ts';

/** The gateway answers in the same form. */
export const CatalogFile = z.object({ providers: z.array(CatalogProvider) });

/** The catalog as it comes with the program. A running gateway has the same, and what mesh.yaml says on top. */
export function readCatalogFile(): CatalogProvider[] {
  return CatalogFile.parse(JSON.parse(readFileSync(CATALOG, 'utf8'))).providers;
}
