import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPresets, presetBindings } from '../presets/preset.ts';
import { permits } from '../process/match-request.ts';
import { ask, openKeeper, temporaryDirectory } from './test/open-keeper.ts';

test('the keeper stores every preset, and denies what mints credentials however it is spelled', () => {
  using directory = temporaryDirectory();
  const keeper = openKeeper(directory.path, { nowMs: Date.UTC(2026, 10, 21) });
  const { presets } = loadPresets();
  assert.ok(presets.length >= 9);
  for (const preset of presets) {
    const hosts = preset.hostNeeded ? [{ host: 'service.example', port: 443 }] : [];
    const bindings = presetBindings(preset, hosts, []);
    const name = `OPENLEGION_CRED_${preset.name.toUpperCase().replaceAll('-', '_')}`;
    const request = { name, value: 'v', origins: [], bindings, environment: preset.environment };
    assert.deepEqual(ask(keeper, 'admin', 'put', request), { name, version: 1 }, preset.name);
    for (const binding of bindings) {
      // Reading only: nothing but what a binding lists, of the methods that change nothing.
      for (const method of ['PUT', 'PATCH', 'DELETE'])
        for (const path of ['/', '/a', '/a/b/c'])
          assert.equal(permits(binding, method, path), false, preset.name);
      for (const { path } of binding.deny) {
        const plain = path.replaceAll('**', 'x').replaceAll('*', 'x');
        const spellings = [plain, `${plain}/`, plain.toUpperCase(), plain.replace('/', '//'), `${plain};a=b`];
        const escaped = plain.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
        for (const method of ['GET', 'POST'])
          for (const spelling of [...spellings, escaped])
            assert.equal(permits(binding, method, spelling), false, `${preset.name} ${method} ${spelling}`);
      }
    }
  }
  keeper.close();
});
