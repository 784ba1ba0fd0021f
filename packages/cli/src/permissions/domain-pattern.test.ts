import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDomainPattern } from './domain-pattern.ts';

test('hosts, subdomains, ports and public addresses are written in one spelling', () => {
  for (const [typed, pattern] of [
    ['api.github.com', 'api.github.com'],
    ['API.Example.com.', 'api.example.com'],
    ['*.example.com', '*.example.com'],
    ['registry.example.com:8443', 'registry.example.com:8443'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['203.0.113.7', '203.0.113.7'],
    ['[2001:db8::1]:8443', '[2001:db8::1]:8443'],
  ] as const)
    assert.deepEqual(parseDomainPattern(typed), { valid: true, pattern });
});

test('metadata and private addresses, everything at once, and what is no host are refused with what to do', () => {
  const refused = `169.254.169.254 169.254.170.2 100.100.100.200 [fd00:ec2::254] metadata.google.internal
    METADATA.google.internal. 127.0.0.1 10.1.2.3 192.168.0.1 172.20.1.1 100.64.0.1 0.0.0.0 224.0.0.1 [::1] [fe80::1]
    [::ffff:127.0.0.1] 2130706433 0x7f000001 0177.0.0.1 127.1 * *. *.com com localhost https://api.example.com
    api.example.com/path user@api.example.com a.example:0 a.example:65536 a..example -a.example *.*.example.com
    a*.example.com api.example.com?x bücher.example *.10.0.0.1`.split(/\s+/);
  for (const typed of [...refused, '', 'a b.example']) {
    const parsed = parseDomainPattern(typed);
    assert.equal(parsed.valid, false, typed);
    assert.ok(!parsed.valid && parsed.message !== '' && parsed.remedy !== '');
  }
});
