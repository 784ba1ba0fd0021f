import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { EngineClient } from '../../engine/engine-client.ts';
import { LABELS } from '../container-spec.ts';
import type { Enforcement, Sandbox, SandboxBackend, SandboxSpec } from '../sandbox-backend.ts';
import { bombTests } from './bomb-contract.ts';
import { lifecycleTests } from './lifecycle-contract.ts';
import { lookAroundTests } from './look-around-contract.ts';
import { pipeTests } from './pipe-contract.ts';
import { runToEnd, specOf } from './run-in-sandbox.ts';
import type { TestEngine } from './test-engines.ts';
import { toolTests } from './tool-contract.ts';

/** What every backend has to pass, on one engine and runtime. */
export interface ContractTarget {
  name: string;
  open(): Promise<TestEngine>;
  createBackend(engine: EngineClient, directory: string): Promise<SandboxBackend>;
}

/** What the parts of the suite share; usable inside of tests only. */
export interface ContractContext {
  engine(): EngineClient;
  backend(): SandboxBackend;
  installation: string;
  createBackend(engine: EngineClient): Promise<SandboxBackend>;
  spec(change: Partial<SandboxSpec>): SandboxSpec;
  start(change: Partial<SandboxSpec>): Promise<Sandbox>;
  /** Starts it and reads all of its output, to its end. */
  run(change: Partial<SandboxSpec>): ReturnType<typeof runToEnd>;
  cannot(enforcement: Enforcement): Promise<boolean>;
  /** Ids of the containers with the suite's label. */
  containers(): Promise<string[]>;
}

/** Registers the suite. Every promise is tried; one that a backend declares missing is asserted to be missing. */
export function sandboxContract(target: ContractTarget): void {
  describe(`sandbox contract: ${target.name}`, { concurrency: 1 }, () => {
    let opened: TestEngine | null = null;
    let backend: SandboxBackend | null = null;
    const installation = `test${randomBytes(5).toString('hex')}`;
    const running = <T>(value: T | null): T => value ?? assert.fail('the engine is not open');
    const context: ContractContext = {
      engine: () => running(opened).engine,
      backend: () => running(backend),
      installation,
      createBackend: (engine) => target.createBackend(engine, running(opened).directory),
      spec: (change) => specOf({ image: running(opened).image, installation, ...change }),
      start: (change) => running(backend).start(context.spec(change), AbortSignal.timeout(30_000)),
      run: (change) => runToEnd(running(backend), context.spec(change)),
      cannot: async (enforcement) =>
        (await running(backend).capabilities()).cannotEnforce.some(
          (missing) => missing.enforcement === enforcement,
        ),
      containers: async () =>
        (await running(opened).engine.listContainers([LABELS.installation(installation)])).map(
          ({ Id }) => Id,
        ),
    };
    before(async () => {
      opened = await target.open();
      backend = await target.createBackend(opened.engine, opened.directory);
    });
    after(async () => {
      for (const label of [installation, `${installation}x`].map(LABELS.installation)) {
        const left = (await opened?.engine.listContainers([label])) ?? [];
        await Promise.all(left.map(({ Id }) => opened?.engine.removeContainer(Id)));
      }
      await Promise.all(['alpha', 'beta'].map((agent) => backend?.removeVolume(installation, agent)));
      await opened?.close();
    });
    pipeTests(context);
    toolTests(context);
    lookAroundTests(context);
    bombTests(context);
    lifecycleTests(context);
    test('leaves no container behind', async () => {
      assert.deepEqual(await context.containers(), []);
    });
  });
}
