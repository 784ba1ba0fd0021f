import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORDINARY_TEXTS } from '../testing/ordinary-texts.ts';
import { sanitise } from './sanitise.ts';

test('at least 99 % of ordinary texts of the world pass byte for byte', () => {
  const changed = ORDINARY_TEXTS.filter((text) => sanitise(text) !== text);
  assert.ok(ORDINARY_TEXTS.length >= 80);
  assert.ok(changed.length <= ORDINARY_TEXTS.length * 0.01, changed.join('\n'));
});

test('every letter, mark, number, sign and space that can be seen passes', () => {
  const seen = /[[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]--[\p{Default_Ignorable_Code_Point}\uFFFC]]/v;
  const changed: string[] = [];
  let passed = 0;
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if (!seen.test(character)) continue;
    passed++;
    if (sanitise(character) !== character) changed.push(code.toString(16));
  }
  assert.deepEqual(changed, []);
  assert.ok(passed > 140_000);
});

test('every emoji that Unicode recommends and that can be put together here passes', () => {
  const recommended = /^\p{RGI_Emoji}$/v;
  const all = (property: RegExp) =>
    Array.from({ length: 0x20000 }, (_, code) => String.fromCodePoint(code)).filter((one) =>
      property.test(one),
    );
  const single = all(/^\p{Emoji}$/u).flatMap((one) => [one, `${one}\uFE0F`]);
  const tones = all(/^\p{Emoji_Modifier}$/u);
  const toned = all(/^\p{Emoji_Modifier_Base}$/u).flatMap((one) => tones.map((tone) => one + tone));
  const regions = all(/^\p{Regional_Indicator}$/u);
  const flags = regions.flatMap((one) => regions.map((other) => one + other));
  const keycaps = [...'0123456789#*'].map((key) => `${key}\uFE0F\u20E3`);
  const signs = [
    '♂\uFE0F',
    '♀\uFE0F',
    '⚕\uFE0F',
    '⚖\uFE0F',
    '✈\uFE0F',
    '💻',
    '🚀',
    '🔥',
    '🌈',
    '🦰',
    '➡\uFE0F',
  ];
  const joined = [...single, ...toned].flatMap((one) => signs.map((sign) => `${one}\u200D${sign}`));
  const emoji = [...single, ...toned, ...flags, ...keycaps, ...joined].filter((one) => recommended.test(one));
  assert.deepEqual(
    emoji.filter((one) => sanitise(one) !== one),
    [],
  );
  assert.ok(emoji.length > 2500, `${emoji.length}`);
});

test('what only looks like one of these does not pass', () => {
  for (const [hidden, shown] of [
    ['a\u200Bb', 'ab'],
    ['a\u200Db', 'ab'],
    ['a\u200Cb', 'ab'],
    ['a\uFE0Fb', 'ab'],
    ['\u{1F3F4}\u{E0075}\u{E0073}\u{E0063}\u{E0061}\u{E007F}', '\u{1F3F4}'],
    ['ก\u200B\u200Bข', 'ก\u200Bข'],
    ['ᠠ\u180B\u180C\u180D', 'ᠠ\u180B'],
    ['葛\u{E0100}', '葛'],
    ['\u06DDx', 'x'],
    ['क्\u200D\u200C\u200D', 'क्\u200D'],
  ]) {
    assert.equal(sanitise(hidden ?? ''), shown);
  }
});
