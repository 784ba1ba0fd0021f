import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { createEngineClient, type EngineClient } from '../../engine/engine-client.ts';
import { findEngine } from '../../engine/find-engine.ts';
import { createDockerBackend } from '../../sandbox/docker-backend.ts';
import { createEngineVolumes } from '../../sandbox/engine-volumes.ts';
import { runToEnd, specOf } from '../../sandbox/test/run-in-sandbox.ts';
import { ensureImage } from '../ensure-image.ts';
import { createTarArchive } from '../tar-archive.ts';
import { ensureForeignImage } from './ensure-foreign-image.ts';

const PREFIX = `openlegion-test-foreign-${process.pid}`;

describe('an image of someone else for an agent', { concurrency: 1 }, () => {
  let engine: EngineClient;
  let agent = '';
  const made = new Set<string>();

  const extend = async (from: string, now: () => number = Date.now) => {
    const signal = AbortSignal.timeout(120_000);
    const result = await ensureForeignImage({ engine, from, agent, signal, now, onProgress: () => {} });
    made.add(result.image);
    return result;
  };
  const build = async (name: string, dockerfile: string): Promise<string> => {
    const tag = `${PREFIX}-${name}:1`;
    const content = Buffer.from(dockerfile);
    const { error, lastLines } = await engine.buildImage({
      tag,
      tar: createTarArchive([{ path: 'Dockerfile', mode: 0o644, bytes: content.length, content }]),
      labels: { 'openlegion-test': '1' },
      network: 'none',
      signal: AbortSignal.timeout(120_000),
      onLine: () => {},
    });
    assert.equal(error, null, lastLines.join('\n'));
    made.add(tag);
    return tag;
  };

  before(async () => {
    const search = await findEngine({ env: process.env });
    assert.ok(search.found);
    engine = await createEngineClient(search.address);
    const signal = AbortSignal.timeout(240_000);
    agent = (await ensureImage({ engine, signal, onProgress: () => {} })).image;
  });
  after(async () => {
    for (const image of [...made].toReversed()) await engine.removeImage(image);
    engine.close();
  });

  test('runs the agent in it under the same spec: no variable, entry point, trigger, volume or setuid bit of the image', async () => {
    const from = await build(
      'hostile',
      [
        `FROM ${agent}`,
        'USER 0',
        'RUN rm -rf /opt/openlegion /usr/local/bin/node && cp /bin/dash /usr/bin/root-shell && chmod 6755 /usr/bin/root-shell',
        'RUN mkdir -p /data/of-the-image /etc/opt && echo theirs > /etc/opt/private && chmod 0600 /etc/opt/private',
        'ENV NODE_OPTIONS=--require=/evil.js LD_PRELOAD=/evil.so PATH=/evil:/usr/bin:/bin',
        'VOLUME /volume',
        'ENTRYPOINT ["/bin/false"]',
        'ONBUILD RUN false',
        '',
      ].join('\n'),
    );
    const { image, built } = await extend(from);
    assert.ok(built);
    assert.deepEqual(await extend(from), { image, built: false });

    const volumes = createEngineVolumes(engine, 'not asked for');
    const backend = await createDockerBackend({ engine, runtime: null, volumes });
    const script = `echo "[$NODE_OPTIONS|$LD_PRELOAD|$PATH]"; id -u; cat /etc/opt/private; ls -A /data; find / -xdev -perm /6000 -not -type l 2>/dev/null
      grep -c ' /volume ' /proc/self/mountinfo; touch /volume/x 2>&1; cat /opt/openlegion/image-variables.json; /opt/openlegion/bin/node --version; readlink /etc/ssl/certs/ca-certificates.crt`;
    const spec = specOf({ image, installation: `foreign${process.pid}` });
    const { output, exit } = await runToEnd(backend, { ...spec, command: ['sh', '-c', script] });
    assert.match(
      output,
      /^\[\|\|\/evil:\/usr\/bin:\/bin:\/opt\/openlegion\/bin\]\n1000\ntheirs\n0\n/,
      exit.stderr,
    );
    assert.match(output, /cannot touch '\/volume\/x'/);
    assert.match(output, /"NODE_OPTIONS=--require=\/evil\.js"[\s\S]*v24\./);
    assert.match(output, /\/tmp\/\.openlegion\/roots\.pem/);
  });

  test('what was made of an image before goes a day after it was replaced', async () => {
    const from = await build('changing', `FROM ${agent}\nUSER 0\nRUN echo one > /etc/version\n`);
    const first = await extend(from);
    assert.equal(await build('changing', `FROM ${agent}\nUSER 0\nRUN echo two > /etc/version\n`), from);
    const second = await extend(from, () => Date.now() + 25 * 60 * 60_000);
    assert.notEqual(second.image, first.image);
    assert.equal(await engine.inspectImage(first.image), null);
    made.delete(first.image);
  });

  test('an image without glibc is refused with what to use instead', async () => {
    const musl = await build(
      'musl',
      [
        `FROM ${agent} AS files`,
        'USER 0',
        'RUN mkdir -p /root-of-musl/lib /root-of-musl/bin && echo musl > /root-of-musl/lib/ld-musl-x86_64.so.1',
        'FROM scratch',
        'COPY --from=files /root-of-musl /',
        '',
      ].join('\n'),
    );
    await assert.rejects(extend(musl), (error) => {
      assert.ok(error instanceof OpenLegionError);
      assert.equal(error.rule, 'runtime.image');
      assert.match(error.message, new RegExp(`${PREFIX}-musl.*no glibc`));
      assert.match(error.remedy, /Debian or Ubuntu/);
      return true;
    });
  });

  test('an image that is nowhere is refused by its name', async () => {
    await assert.rejects(extend(`${PREFIX}-nowhere:1`), (error) => {
      assert.ok(error instanceof OpenLegionError);
      assert.deepEqual([error.code, error.rule], ['not_found', 'runtime.image']);
      return true;
    });
  });
});
