import { request } from 'node:http';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { socketPaths } from '@openlegion/contract/installation';
import { z } from 'zod';

const ProviderList = z.object({ providers: z.array(CatalogProvider) });

/** What the gateway knows of providers: base URLs and the names of their keys. It holds no key itself. */
export function fetchProviders(run: string): Promise<CatalogProvider[]> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath: socketPaths(run).gateway, path: '/providers', timeout: 5000 },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.once('error', reject);
        response.once('end', () => {
          try {
            resolve(ProviderList.parse(JSON.parse(body)).providers);
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    sent.once('error', reject);
    sent.once('timeout', () => sent.destroy(new Error('the gateway did not answer in 5 s')));
    sent.end();
  });
}
