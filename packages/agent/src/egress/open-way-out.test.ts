import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fakeMesh } from '../testing/fake-mesh.ts';
import { START } from '../testing/model-rig.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { openWayOut } from './open-way-out.ts';

const start = { ...START, egress: { authorityPem: 'THE AUTHORITY', environment: {} } };
const none = async () => Promise.reject(new Error('not dialled here'));

test('the authority lies alone, and before the public roots', async () => {
  using directory = temporaryDirectory();
  const trustDirectory = `${directory.path}/trust`;
  const at = { trustDirectory, proxyPort: 0, modelPort: 0 };
  const log = (error: unknown) => assert.fail(String(error));
  const servers = await openWayOut({ start, mesh: fakeMesh({}), dial: none, at, log });
  assert.equal(servers.length, 2);
  for (const server of servers) server.close();
  assert.equal(readFileSync(`${trustDirectory}/authority.pem`, 'utf8'), 'THE AUTHORITY');
  assert.match(readFileSync(`${trustDirectory}/roots.pem`, 'utf8'), /^THE AUTHORITY\n/);
});

test('what cannot be had is logged, and keeps nothing else from being there', async () => {
  using directory = temporaryDirectory();
  const taken = createServer();
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  const address = taken.address();
  assert.ok(typeof address === 'object' && address !== null);
  const blocked = `${directory.path}/file`;
  writeFileSync(blocked, '');
  const logged: string[] = [];
  const log = (error: unknown) => logged.push(String(error));
  const at = (proxyPort: number, trustDirectory: string) => ({ trustDirectory, proxyPort, modelPort: 0 });
  const parts = { start, mesh: fakeMesh({}), dial: none, log };
  const models = await openWayOut({ ...parts, at: at(address.port, `${directory.path}/trust`) });
  assert.equal(models.length, 1);
  assert.match(logged.join(), /EADDRINUSE/);
  assert.equal(readFileSync(`${directory.path}/trust/authority.pem`, 'utf8'), 'THE AUTHORITY');
  const both = await openWayOut({ ...parts, at: at(0, `${blocked}/trust`) });
  assert.equal(both.length, 2);
  assert.match(logged.at(-1) ?? '', /ENOTDIR/);
  assert.equal(logged.length, 2);
  for (const server of [taken, ...models, ...both]) server.close();
});
