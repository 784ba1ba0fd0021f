import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignDockerfile } from './foreign-dockerfile.ts';
import { foreignRefusal } from './foreign-refusal.ts';

test('nothing of the image is kept but its files and its PATH', () => {
  const lines = foreignDockerfile('sha256:abc', 'openlegion-agent:1', [
    'PATH=/opt/venv/bin:/usr/bin',
    'NODE_OPTIONS=--require /evil.js',
    'LD_PRELOAD=/evil.so',
  ]).split('\n');
  assert.deepEqual(lines.slice(0, 2), ['FROM scratch', 'COPY --from=sha256:abc / /']);
  const text = lines.join('\n');
  assert.doesNotMatch(text, /evil|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|NODE_USE_ENV_PROXY|ENTRYPOINT/);
  assert.match(text, /^ENV PATH=\/opt\/venv\/bin:\/usr\/bin:\/opt\/openlegion\/bin /m);
  assert.match(text, /^USER 1000:1000$/m);
});

test('a PATH that could say something else to the builder is left out', () => {
  for (const path of ['/a b', '/a\nRUN evil', '$HOME/bin', '"/x"', '']) {
    const text = foreignDockerfile('sha256:abc', 'a:1', [`PATH=${path}`]);
    assert.match(text, /^ENV PATH=\/usr\/local\/sbin:/m);
    assert.doesNotMatch(text, /evil/);
  }
});

test('why an image cannot be used is told from what the build said', () => {
  const cases: [string, RegExp | null][] = [
    ['exec user process caused: no such file or directory', /no glibc[\s\S]*musl/],
    ['exec /opt/openlegion/bin/node: exec format error', /processor architecture/],
    ["node: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.28' not found", /too old/],
    [
      'error while loading shared libraries: libstdc++.so.6: cannot open shared object file: No such file or directory',
      /libstdc\+\+/,
    ],
    ['write /x: input/output error', null],
  ];
  for (const [line, why] of cases) {
    const refusal = foreignRefusal('some:image', ['Step 7/15 : RUN node', line]);
    if (why === null) assert.equal(refusal, null);
    else {
      assert.match(refusal?.message ?? '', why);
      assert.equal(refusal?.rule, 'runtime.image');
    }
  }
});
