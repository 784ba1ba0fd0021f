import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { certify, TEST_ROOT_PEM } from '../../packages/vault/src/gateway/egress/test/start-egress.ts';

export interface Outside extends Disposable {
  /** `egress` of mesh.yaml: these names are this server, and its root is trusted. */
  meshYaml(hosts: readonly string[]): string;
}

/** The outside world: one HTTPS server that has a certificate for whatever name it is asked by. */
export async function startOutside(answer: RequestListener): Promise<Outside> {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-outside-'));
  const roots = join(directory, 'roots.pem');
  writeFileSync(roots, TEST_ROOT_PEM);
  const server = createServer({
    SNICallback: (name, done) => done(null, createSecureContext(certify(name))),
  });
  server.on('request', answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    meshYaml: (hosts) =>
      [
        'egress:',
        `  extra_roots: ${roots}`,
        '  hosts:',
        ...hosts.map((host) => `    ${host}: { address: 127.0.0.1, port: ${port} }`),
        '',
      ].join('\n'),
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
