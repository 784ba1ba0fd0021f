import assert from 'node:assert/strict';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { LOOP_LIMITS } from '../loop/limits.ts';
import { runTool } from '../testing/run-tool.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { pictureHeader } from './picture-header.ts';
import { createReadFile } from './read-file.ts';
import { showPicture } from './show-picture.ts';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  );
const PNG = (width: number[], height: number[]) =>
  bytes('\x89PNG\r\n\x1a\n', [0, 0, 0, 13], 'IHDR', width, height);
const SMALL_PNG = PNG([0, 0, 0, 3], [0, 0, 0, 2]);
const RIFF = (chunk: string, ...rest: (string | number[])[]) =>
  bytes('RIFF', [0, 0, 0, 0], 'WEBP', chunk, [0, 0, 0, 0], ...rest, [0, 0, 0, 0]);
const PICTURES: [string, Buffer][] = [
  ['image/png', SMALL_PNG],
  ['image/gif', bytes('GIF89a', [3, 0, 2, 0])],
  [
    'image/jpeg',
    // A segment of another kind and a fill byte before the frame header of a progressive picture.
    bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 11, 8, 0, 2, 0, 3]),
  ],
  ['image/webp', RIFF('VP8X', [0, 0, 0, 0, 2, 0, 0, 1, 0, 0])],
  ['image/webp', RIFF('VP8L', [0x2f, 2, 0x40, 0, 0])],
  ['image/webp', RIFF('VP8 ', [0, 0, 0, 0x9d, 1, 0x2a, 3, 0, 2, 0])],
];

test('the first bytes say what a picture is and how large', () => {
  for (const [mediaType, header] of PICTURES)
    assert.deepEqual(pictureHeader(header), { mediaType, width: 3, height: 2 });
});

test('what is cut off in its header, or none of the four formats, is no picture', () => {
  for (const none of [
    ...PICTURES.map(([, header]) => header.subarray(0, 9)),
    bytes(),
    bytes('<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"/>'),
    bytes('%PDF-1.7'),
    bytes('RIFF', [0, 0, 0, 0], 'WAVEfmt ', Array(20).fill(1)),
    bytes([0xff, 0xd8, 0xff, 0xd9]),
    PNG([0, 0, 0, 0], [0, 0, 0, 2]),
    SMALL_PNG.subarray(0, 20),
  ])
    assert.equal(pictureHeader(none), undefined);
  const starts = PICTURES.map(([, header]) => header.subarray(0, 12));
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 60 }), (start, rest) => {
      const found = pictureHeader(Buffer.concat([start, rest]));
      assert.ok(found === undefined || (found.width > 0 && found.height > 0));
    }),
  );
});

test('read_file shows a picture, whatever its name says', async () => {
  using directory = temporaryDirectory();
  const tool = createReadFile(directory.path);
  writeFileSync(`${directory.path}/a.txt`, SMALL_PNG);
  const shown = await runTool(tool, { path: 'a.txt' });
  assert.equal(shown.output, 'a.txt is a picture (image/png, 3×2 pixels, 24 bytes)');
  assert.deepEqual(shown.picture, { mediaType: 'image/png', bytes: SMALL_PNG });
  writeFileSync(`${directory.path}/b.png`, 'not a picture');
  assert.deepEqual(await runTool(tool, { path: 'b.png' }), { outcome: 'ok', output: 'not a picture' });
  writeFileSync(`${directory.path}/c.png`, Buffer.from([1, 0, 2]));
  assert.match((await runTool(tool, { path: 'c.png' })).output, /binary/);
  writeFileSync(`${directory.path}/d.png`, '<svg/>');
  assert.equal((await runTool(tool, { path: 'd.png' })).picture, undefined);
  // A link leads where it leads for text too: what the agent may read, its model may see.
  symlinkSync('a.txt', `${directory.path}/link.png`);
  assert.equal((await runTool(tool, { path: 'link.png' })).picture?.bytes.length, 24);
  symlinkSync('/dev/zero', `${directory.path}/zero.png`);
  assert.match((await runTool(tool, { path: 'zero.png' })).output, /not a regular file/);
});

test('a picture that is too large, in bytes or pixels, is told and not shown', async () => {
  using directory = temporaryDirectory();
  const tool = createReadFile(directory.path);
  writeFileSync(`${directory.path}/a.png`, SMALL_PNG);
  for (const size of [LOOP_LIMITS.pictureBytes + 1, 10 * LOOP_LIMITS.pictureBytes]) {
    truncateSync(`${directory.path}/a.png`, size);
    const { output, picture } = await runTool(tool, { path: 'a.png' });
    assert.match(output, new RegExp(`${size} bytes\\)\n\\[not shown: more than 3 MiB`));
    assert.equal(picture, undefined);
  }
  truncateSync(`${directory.path}/a.png`, LOOP_LIMITS.pictureBytes);
  assert.ok((await runTool(tool, { path: 'a.png' })).picture);
  assert.ok(showPicture('x', PNG([0, 0, 0x1f, 0x40], [0, 0, 0, 1]))?.picture);
  for (const wide of [PNG([0, 0, 0x1f, 0x41], [0, 0, 0, 1]), PNG([0, 0, 0, 1], [0xff, 0xff, 0xff, 0xff])])
    assert.equal(showPicture('x', wide)?.picture, undefined);
});
