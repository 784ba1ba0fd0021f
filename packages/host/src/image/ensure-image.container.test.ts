import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { createEngineClient, type EngineClient } from '../engine/engine-client.ts';
import { findEngine } from '../engine/find-engine.ts';
import { createDockerBackend } from '../sandbox/docker-backend.ts';
import { createEngineVolumes } from '../sandbox/engine-volumes.ts';
import { runToEnd, specOf } from '../sandbox/test/run-in-sandbox.ts';
import { ensureImage } from './ensure-image.ts';

describe('ensureImage', { concurrency: 1 }, () => {
  let engine: EngineClient;
  let directory = '';
  const made = new Set<string>();

  before(async () => {
    const search = await findEngine({ env: process.env });
    assert.ok(search.found);
    engine = await createEngineClient(search.address);
    directory = await mkdtemp(join(tmpdir(), 'ol-image-'));
  });
  after(async () => {
    for (const image of made) await engine.removeImage(image);
    engine.close();
    await rm(directory, { recursive: true, force: true });
  });

  const ensure = async (program: string, given: EngineClient = engine) => {
    const entry = join(directory, 'agent.ts');
    await writeFile(entry, program);
    const progress: string[] = [];
    const result = await ensureImage({
      engine: given,
      signal: AbortSignal.timeout(240_000),
      onProgress: ({ step, text }) => progress.push(`${step}: ${text}`),
      entries: { agent: entry, probe: entry },
    });
    made.add(result.image);
    return { ...result, progress };
  };
  const unique = `process.stdout.write('from the agent ${Date.now()} ');`;

  test('builds once, never again unchanged, always when the agent changed', async () => {
    const first = await ensure(unique);
    assert.ok(first.built);
    assert.ok(first.progress.some((line) => line.startsWith('agent: ')));
    const second = await ensure(unique);
    assert.deepEqual([second.image, second.built], [first.image, false]);
    const changed = await ensure(`${unique} process.stdout.write('changed');`);
    assert.ok(changed.built);
    assert.notEqual(changed.image, first.image);
    const back = await ensure(unique);
    assert.deepEqual([back.image, back.built], [first.image, false]);
  });

  test('holds the agent, the pinned Node, git, curl, npm, python3, pip and certificates, and no setuid bit', async () => {
    const { image } = await ensure(`${unique} console.log(process.version, process.argv[1]);`);
    const volumes = createEngineVolumes(engine, 'not asked for');
    const backend = await createDockerBackend({ engine, runtime: null, volumes });
    const spec = specOf({ image, installation: `image${process.pid}` });
    const agent = await runToEnd(backend, spec);
    assert.match(agent.output, /from the agent \d+ v24\.\d+\.\d+ \/opt\/openlegion\/agent\.js/);
    const script = `set -e; git --version; curl --version; python3 --version; npm --version; pip --version
      test -s /etc/ssl/public-roots.pem; test "$(readlink /etc/ssl/certs/ca-certificates.crt)" = /tmp/.openlegion/roots.pem
      test -x /usr/bin/tini; test -z "$(find / -xdev -perm /6000 -not -type l 2>/dev/null)"; test ! -w /opt/openlegion/agent.js
      ls /opt/openlegion/compile-cache; test -r /opt/openlegion/probe.js; echo all there`;
    const inside = await runToEnd(backend, { ...spec, command: ['sh', '-c', script] });
    assert.match(inside.output, /all there/, inside.exit.stderr);
  });

  test('an agent that does not compile is said with the bundler’s words', async () => {
    const error = await ensure('const = 1;').then(
      () => assert.fail(),
      (error: unknown) => error,
    );
    assert.ok(error instanceof OpenLegionError);
    assert.equal(error.rule, 'image.bundle');
    assert.match(error.remedy, /npm ci/);
  });

  test('a build that fails in the engine is said with its last lines, and leaves no image', async () => {
    const broken: EngineClient = {
      ...engine,
      buildImage: (options) => {
        options.tar.destroy();
        const dockerfile = Buffer.from('FROM scratch\nRUN this-is-not-there\n');
        const header = Buffer.alloc(512);
        header.write('Dockerfile', 0);
        header.write('0000644\0', 100);
        header.write('0000000\0', 108);
        header.write('0000000\0', 116);
        header.write(`${dockerfile.length.toString(8).padStart(11, '0')}\0`, 124);
        header.write('00000000000\0', 136);
        header.write('        0ustar\x0000', 148);
        let sum = 0;
        for (const byte of header) sum += byte;
        header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
        const padding = Buffer.alloc(512 - dockerfile.length + 1024);
        return engine.buildImage({
          ...options,
          tar: Readable.from([Buffer.concat([header, dockerfile, padding])]),
        });
      },
    };
    const error = await ensure(`${unique} // will not build\nconsole.log(${Date.now()})`, broken).then(
      () => assert.fail(),
      (error: unknown) => error,
    );
    assert.ok(error instanceof OpenLegionError);
    assert.equal(error.rule, 'image.build');
    assert.match(error.message, /could not be built[\s\S]*this-is-not-there/);
  });
});
