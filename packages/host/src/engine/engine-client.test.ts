import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { createEngineClient, decideApiVersion, type EngineClient } from './engine-client.ts';
import { EngineError } from './engine-error.ts';

/** Small hand-written engines: what they say wrong, a real one cannot be brought to say. */
const open: { server: Server; directory: string; engine: EngineClient }[] = [];

async function engineThat(answers: RequestListener, apiVersion = '1.41'): Promise<EngineClient> {
  const directory = await mkdtemp(join(tmpdir(), 'ol-client-'));
  const path = join(directory, 'e.sock');
  const server = createServer((request, response) => {
    if (request.url === '/_ping') response.writeHead(200, { 'api-version': apiVersion }).end('OK');
    else answers(request, response);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const engine = await createEngineClient({ kind: 'unix', path });
  open.push({ server, directory, engine });
  return engine;
}

afterEach(async () => {
  for (const { server, directory, engine } of open.splice(0)) {
    engine.close();
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  }
});

const refusalOf = async (work: Promise<unknown>): Promise<OpenLegionError> => {
  const error = await work.then(
    () => assert.fail('it did not reject'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof OpenLegionError);
  return error;
};

describe('the version of the API', () => {
  test('is the older of the engine’s and ours', () => {
    assert.equal(decideApiVersion('1.41'), '1.41');
    assert.equal(decideApiVersion('1.40'), '1.40');
    assert.equal(decideApiVersion('1.99'), '1.47');
    assert.equal(decideApiVersion('2.0'), '1.47');
  });
  test('is refused below 1.40 and when it is no version', () => {
    for (const version of ['1.39', '1.9', '0.99', '', 'latest', '1.41/../..', '1.41 ']) {
      assert.throws(() => decideApiVersion(version), EngineError, version);
    }
  });
  test('is in the path of every call', async () => {
    const asked: string[] = [];
    const engine = await engineThat((request, response) => {
      asked.push(request.url ?? '');
      response.end('{}');
    }, '1.43');
    await engine.startContainer('a');
    assert.deepEqual(asked, ['/v1.43/containers/a/start']);
  });
});

describe('what goes wrong', () => {
  test('the engine’s message is quoted, without control characters and bounded', async () => {
    const message = `no such\u001b[31m image\u202e\n${'x'.repeat(5000)}`;
    const engine = await engineThat((_request, response) =>
      response.writeHead(404).end(JSON.stringify({ message })),
    );
    const error = await refusalOf(engine.startContainer('a'));
    assert.equal(error.code, 'not_found');
    assert.match(error.message, /no such \[31m image/);
    assert.ok(error.message.length < 800);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    assert.doesNotMatch(error.message, /[\u0000-\u001f\u202e]/);
  });

  test('a full disk has its own remedy', async () => {
    const engine = await engineThat((_request, response) =>
      response.writeHead(500).end('{"message":"write /x: no space left on device"}'),
    );
    assert.match((await refusalOf(engine.createContainer('n', {}))).remedy, /free space/i);
  });

  test('an answer of another form is said with the field that differs', async () => {
    const engine = await engineThat((_request, response) => response.end('{"Id":7}'));
    const error = await refusalOf(engine.createContainer('n', {}));
    assert.equal(error.code, 'upstream_failed');
    assert.match(error.message, /Id/);
  });

  test('an answer that is not JSON, is endless, or is cut', async () => {
    const text = await engineThat((_request, response) => response.end('<html>'));
    assert.match((await refusalOf(text.info())).message, /not JSON/);
    const endless = await engineThat((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(1 << 20)));
      };
      response.on('drain', more);
      more();
    });
    assert.equal((await refusalOf(endless.info())).code, 'unavailable');
    const cut = await engineThat((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      response.destroy();
    });
    assert.equal((await refusalOf(cut.info())).code, 'unavailable');
  });

  test('an engine that went away is unavailable', async () => {
    const engine = await engineThat((_request, response) => response.end('{}'));
    await engine.startContainer('a');
    const { server } = open[0] ?? assert.fail();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const error = await refusalOf(engine.startContainer('a'));
    assert.equal(error.code, 'unavailable');
    assert.match(error.remedy, /Start the engine/);
  });

  test('a connection that an engine closed while idle is replaced without a word', async () => {
    let calls = 0;
    const engine = await engineThat((_request, response) => {
      calls += 1;
      response.end('{}');
    });
    await engine.startContainer('a');
    open[0]?.server.closeAllConnections();
    await engine.startContainer('a');
    assert.equal(calls, 2);
  });

  test('names go into the path as one segment', async () => {
    const asked: string[] = [];
    const engine = await engineThat((request, response) => {
      asked.push(request.url ?? '');
      response.end('{}');
    });
    await engine.startContainer('../images?x=1#');
    assert.deepEqual(asked, ['/v1.41/containers/..%2Fimages%3Fx%3D1%23/start']);
  });

  test('a refused attach is an error, not a stream', async () => {
    const engine = await engineThat((_request, response) =>
      response.writeHead(404).end('{"message":"gone"}'),
    );
    const observer = { onStdout: () => {}, onStderr: () => {} };
    const error = await refusalOf(engine.attachContainer('a', observer, AbortSignal.timeout(5000)));
    assert.match(error.message, /gone/);
  });
});
