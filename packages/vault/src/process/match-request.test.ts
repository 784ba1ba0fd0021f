import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CredentialBinding } from '@openlegion/contract/keeper-protocol';
import fc from 'fast-check';
import { matchesGlob, matchesHost, permits, reaches } from './match-request.ts';

/** The plain, slow reading of a glob: tries everything. */
function reference(glob: string, text: string): boolean {
  if (glob === '') return text === '';
  if (glob.startsWith('**'))
    return Array.from({ length: text.length + 1 }, (_, n) => n).some((n) =>
      reference(glob.slice(2), text.slice(n)),
    );
  if (glob.startsWith('*')) {
    const segment = text.split('/')[0]?.length ?? 0;
    return Array.from({ length: segment + 1 }, (_, n) => n).some((n) =>
      reference(glob.slice(1), text.slice(n)),
    );
  }
  return glob[0] === text[0] && reference(glob.slice(1), text.slice(1));
}

test('a glob matches what trying everything matches', () => {
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '**'), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 9 });
  fc.assert(
    fc.property(glob, text, (pattern, value) => {
      assert.equal(matchesGlob(pattern, value), reference(pattern, value), `${pattern} ${value}`);
    }),
    { numRuns: 20_000 },
  );
});

test('a pattern full of stars costs steps in proportion, not powers', () => {
  assert.equal(matchesGlob('*a*a*a*a*a*a*a*a*b', 'a'.repeat(8000)), false);
  assert.equal(matchesGlob('/**/*a/**/*a/**/*b', `/${'a/'.repeat(2000)}`), false);
});

test('hosts match whole labels, and no address is below a name', () => {
  const cases: [string, string, boolean][] = [
    ['example.com', 'example.com', true],
    ['example.com', 'a.example.com', false],
    ['example.com', 'example.com.evil.test', false],
    ['example.com', 'evilexample.com', false],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'evilexample.com', false],
    ['*.0.0.1', '127.0.0.1', false],
    ['*', 'example.com', false],
    ['*.', 'example.com', false],
    ['', '', true],
  ];
  for (const [pattern, host, matches] of cases)
    assert.equal(matchesHost(pattern, host), matches, `${pattern} ${host}`);
});

test('a domain reaches the two web ports, or the one it names', () => {
  const cases: [string, string, number, boolean][] = [
    ['example.com', 'example.com', 443, true],
    ['example.com', 'example.com', 80, true],
    ['example.com', 'example.com', 8443, false],
    ['EXAMPLE.com.', 'example.com', 443, true],
    ['example.com:8443', 'example.com', 8443, true],
    ['example.com:8443', 'example.com', 443, false],
    ['*.example.com:8443', 'a.example.com', 8443, true],
    ['[::1]:8080', '::1', 8080, true],
    ['::1', '::1', 443, true],
    ['10.0.0.1', '10.0.0.1', 443, true],
    ['*', 'example.com', 443, false],
    ['', '', 443, false],
    ['https://example.com', 'example.com', 443, false],
    ['example.com/path', 'example.com', 443, false],
    ['example.com:443:443', 'example.com', 443, false],
    ['user@example.com', 'example.com', 443, false],
  ];
  for (const [pattern, host, port, does] of cases)
    assert.equal(reaches(pattern, host, port), does, `${pattern} ${host}:${port}`);
});

const binding = (allow: string[], deny: string[] = []): CredentialBinding => ({
  ...{ host: 'api.example.com', port: 443, header: 'authorization', scheme: 'bearer', user: '' },
  allow: allow.map((path) => ({ methods: ['GET'], path })),
  deny: deny.map((path) => ({ methods: ['*'], path })),
});

test('nothing is allowed that no rule names; methods count', () => {
  assert.equal(permits(binding([]), 'GET', '/'), false);
  assert.equal(permits(binding(['/**']), 'GET', '/a/b'), true);
  assert.equal(permits(binding(['/**']), 'POST', '/a/b'), false);
  assert.equal(permits(binding(['/**']), 'get', '/a/b'), false);
  assert.equal(permits(binding(['/a/*']), 'GET', '/a/b/c'), false);
});

test('a rule with a query is held to it, one without does not look at it', () => {
  const git = binding(['/*/*/info/refs?service=git-upload-pack']);
  assert.equal(permits(git, 'GET', '/a/b.git/info/refs?service=git-upload-pack'), true);
  for (const query of ['', '?service=git-receive-pack', '?service=git-upload-pack&service=git-receive-pack'])
    assert.equal(permits(git, 'GET', `/a/b.git/info/refs${query}`), false, query);
  assert.equal(permits(binding(['/a']), 'GET', '/a?x=/b'), true);
});

test('an endpoint that mints credentials is denied however it is spelled, unless it is named', () => {
  const deny = ['/user/keys', '/user/keys/**', '/*/hooks'];
  const reading = binding(['/**'], deny);
  const spellings = [
    '/user/keys',
    '/user/keys/',
    '/user//keys',
    '//user/keys',
    '/User/KEYS',
    '/user/%6beys',
    '/user%2fkeys',
    '/user/%256beys',
    '/user/keys;v=1',
    '/user;v=1/keys',
    '/user/keys.json',
    '/user/keys?x=1',
    '/user/keys/7',
    '/user/x/../keys',
    '/user/./keys',
    '/user/%2e/keys',
    '/user/x/%2e%2e/keys',
    '/user/x/..;/keys',
    '/user\\keys',
    '/user/keys%00',
    '/user/keys%0a',
    '/user/%25%36%62eys',
    '/user/keys%',
    '/org/hooks',
  ];
  for (const path of spellings) assert.equal(permits(reading, 'GET', path), false, path);
  assert.equal(permits(reading, 'GET', '/user/repos'), true);
  assert.equal(permits(reading, 'GET', '/projects/group%2Fproject/issues'), true);
  const named = binding(['/**', '/user/keys'], deny);
  assert.equal(permits(named, 'GET', '/user/keys'), true);
  assert.equal(permits(named, 'GET', '/user/keys/7'), false);
  assert.equal(permits(binding(['/user/**'], deny), 'GET', '/user/keys'), false, 'a wildcard names nothing');
});
