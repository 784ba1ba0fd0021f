import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asAgent, askMesh } from './test/ask-mesh.ts';

test('a request to a service goes on with its method, path, headers and body, and says who asks by the pipe', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    vault.answer = (request, response) => {
      response.writeHead(request.method === 'DELETE' ? 404 : 200, {
        'content-type': 'text/plain',
        'x-ratelimit-remaining': '7',
        'set-cookie': ['a=1', 'b=2'],
        'x-openlegion-charged-micro-usd': '5',
        connection: 'keep-alive, x-inner',
        'x-inner': 'hop',
      });
      response.end(request.method);
    };
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const body = method === 'HEAD' ? undefined : `body of ${method}`;
      const answer = await askMesh(mesh, method, '/services/github/repos/a/b?x=1&y=%2F', body, {
        accept: 'application/json',
        'x-custom': 'c',
        'x-openlegion-agent': 'bob',
        'x-openlegion-anything': 'z',
        'proxy-authorization': 'p',
        authorization: 'Bearer $CRED{github}',
      });
      assert.equal(answer.status, method === 'DELETE' ? 404 : 200);
      assert.equal(answer.text, method === 'HEAD' ? '' : method);
      assert.equal(answer.headers['x-ratelimit-remaining'], '7');
      assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
      for (const name of ['x-inner', 'connection', 'x-openlegion-charged-micro-usd'])
        assert.equal(answer.headers[name], undefined);
      const call = vault.calls.at(-1);
      assert.equal(call?.url, '/services/github/repos/a/b?x=1&y=%2F');
      assert.equal(call?.body, body ?? '');
      assert.equal(call?.headers['x-openlegion-agent'], 'alice');
      assert.equal(call?.headers['x-custom'], 'c');
      assert.equal(call?.headers.authorization, 'Bearer $CRED{github}');
      assert.equal(call?.headers['x-openlegion-anything'], undefined);
      assert.equal(call?.headers['proxy-authorization'], undefined);
    }
    assert.equal(vault.calls.length, 7);
  });
});

test('what is not below one service, and methods that none has, do not reach the gateway', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    for (const path of [
      '/services/',
      '/services/github',
      '/services/GitHub/x',
      '/services/github/../providers',
      '/services/github/%2e%2E/%2e./x',
      '/services/github/a/..',
      '/services/github/a/./b',
      '/services/github/a\\b',
      '/services/github/a#b',
      `/services/github/${'a'.repeat(8001)}`,
    ])
      assert.equal((await askMesh(mesh, 'GET', path)).status, 400, path);
    for (const method of ['TRACE', 'PROPFIND', 'get'])
      assert.equal((await askMesh(mesh, method, '/services/github/x')).status, 404, method);
    assert.deepEqual(vault.calls, []);
  });
});
