import { resolve } from 'node:path';

/** The root of the clone (or of the installed package tree). */
export const ROOT = resolve(import.meta.dirname, '../../..');

/** Every program that the command line starts, by path: packages meet only through the contract. */
export const PROGRAMS = {
  cli: resolve(import.meta.dirname, 'main.ts'),
  supervisor: resolve(import.meta.dirname, 'supervisor/main.ts'),
  importEnvironment: resolve(import.meta.dirname, 'environment/import-environment-main.ts'),
  keeper: resolve(ROOT, 'packages/vault/src/keeper/main.ts'),
  gateway: resolve(ROOT, 'packages/vault/src/gateway/main.ts'),
  vaultAdmin: resolve(ROOT, 'packages/vault/src/admin/main.ts'),
  scripted: resolve(ROOT, 'packages/scripted/src/main.ts'),
  host: resolve(ROOT, 'packages/host/src/main.ts'),
  setup: resolve(ROOT, 'packages/host/src/setup-main.ts'),
  skills: resolve(ROOT, 'packages/host/src/skill-main.ts'),
  workflows: resolve(ROOT, 'packages/host/src/workflow-main.ts'),
  removeVolumes: resolve(ROOT, 'packages/host/src/replay/remove-volumes-main.ts'),
} as const;

/** What the vault's own processes may read of the clone: their code, and nothing of the other packages. */
export const VAULT_CODE = [resolve(ROOT, 'packages/vault'), resolve(ROOT, 'package.json')] as const;

/** Data, read as a file: what the vault's gateway loads, for commands that work without it. */
export const CATALOG = resolve(ROOT, 'packages/vault/src/catalog/catalog.json');

export const TEMPLATES = resolve(import.meta.dirname, '../templates');
export const EXAMPLES = resolve(ROOT, 'examples');
/** Where `demo` lives unless it is told otherwise. */
export const DEMO_HOME = resolve(ROOT, 'data/demo');
