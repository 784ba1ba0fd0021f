import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import { asAgent, askMesh } from './test/ask-mesh.ts';

async function connect(mesh: ClientHttp2Session, headers = {}): Promise<ClientHttp2Stream> {
  const stream = mesh.request(
    { ':method': 'CONNECT', ':authority': 'egress', ...headers },
    { endStream: false },
  );
  stream.on('error', () => {});
  const [answer] = await once(stream, 'response');
  assert.equal(answer[':status'], 200);
  return stream;
}

test('a connection to the outside is spliced to the gateway with the identity of the pipe', async () => {
  await asAgent('carol', async ({ mesh }, { vault }) => {
    const claims = {
      'x-openlegion-agent': 'alice',
      'x-openlegion-trace': 'forged',
      'proxy-authorization': 'Basic YWxpY2U6',
    };
    const stream = await connect(mesh, claims);
    stream.end('CONNECT api.example.com:443 HTTP/1.1\r\nx-openlegion-agent: alice\r\n\r\n');
    assert.match(await text(stream), /^CONNECT api/);
    const [headers] = vault.tunnels;
    assert.equal(headers?.['x-openlegion-agent'], 'carol');
    assert.match(String(headers?.['x-openlegion-trace']), /^trc_/);
    assert.equal(headers?.['proxy-authorization'], undefined);
  });
});

test('megabytes go through unchanged in both directions, and each half is closed by itself', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    const sent = Buffer.alloc(3_000_000, 'openlegion ');
    vault.tunnel = async (socket) => {
      const upload = await buffer(socket);
      // The agent's half is closed; ours still speaks.
      socket.end(Buffer.concat([upload, Buffer.from('!')]));
    };
    const stream = await connect(mesh);
    stream.end(sent);
    const received = await buffer(stream);
    assert.ok(received.equals(Buffer.concat([sent, Buffer.from('!')])));
  });
});

test('a gateway that ends in the middle cuts the agent’s stream, and an agent that goes away frees the gateway', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    vault.tunnel = (socket) => socket.once('data', () => socket.destroy());
    const cut = await connect(mesh);
    cut.write(Buffer.alloc(200_000));
    await new Promise((resolve) => cut.resume().on('close', resolve));
    assert.notEqual(cut.rstCode, 0);
    const freed = Promise.withResolvers<void>();
    vault.tunnel = (socket) => socket.on('end', freed.resolve).resume();
    const left = await connect(mesh);
    left.close(8);
    await freed.promise;
  });
});

test('more than 48 connections at a time are refused, and the rest of the mesh still answers', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    vault.tunnel = (socket) => socket.resume();
    const open = await Promise.all(Array.from({ length: 48 }, () => connect(mesh)));
    const more = await askMesh(mesh, 'CONNECT', 'egress');
    assert.equal(more.status, 429);
    assert.equal(more.refusal().rule, 'mesh.concurrent');
    assert.equal((await askMesh(mesh, 'GET', '/mesh/agents')).status, 200);
    for (const stream of open) stream.close(8);
    await Promise.all(open.map((stream) => once(stream, 'close')));
    vault.tunnel = (socket) => socket.pipe(socket);
    let again = await askMesh(mesh, 'CONNECT', 'egress', '');
    while (again.status === 429) again = await askMesh(mesh, 'CONNECT', 'egress', '');
    assert.equal(again.status, 200);
  });
});

test('any other CONNECT is refused and reaches nothing', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    for (const authority of ['mesh', 'egress:443', 'EGRESS', 'api.example.com:443', '169.254.169.254:80'])
      assert.equal((await askMesh(mesh, 'CONNECT', authority)).status, 404, authority);
    assert.deepEqual(vault.tunnels, []);
  });
});

test('an unread tunnel is held back at the gateway, not kept in the host', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    const chunk = Buffer.alloc(65_536);
    let written = 0;
    const stuck = Promise.withResolvers<void>();
    vault.tunnel = (socket) => {
      const more = () => {
        while (socket.writable && written < 64 * 1024 * 1024) {
          written += chunk.length;
          if (!socket.write(chunk)) {
            socket.once('drain', more);
            return;
          }
        }
        stuck.resolve();
      };
      more();
    };
    const stream = await connect(mesh);
    stream.pause();
    for (let turns = 0, last = -1; last !== written || turns < 50; turns += 1) {
      last = written;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(written < 16 * 1024 * 1024, `${written} bytes were taken`);
    stream.close(8);
  });
});
