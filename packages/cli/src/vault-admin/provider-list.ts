import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { socketPaths } from '@openlegion/contract/installation';
import { CatalogFile } from '../models/catalog-file.ts';

/** What the gateway knows of providers: base URLs and the names of their keys. It holds no key itself. */
export async function fetchProviders(run: string): Promise<CatalogProvider[]> {
  const sent = request({ socketPath: socketPaths(run).gateway, path: '/providers', timeout: 5000 });
  sent.on('timeout', () => sent.destroy(new Error('the gateway did not answer in 5 s')));
  sent.on('error', () => {});
  sent.end();
  const [response] = await once(sent, 'response');
  return CatalogFile.parse(JSON.parse(await text(response))).providers;
}
