import { createEngineClient, type EngineClient } from '../packages/host/src/engine/engine-client.ts';
import { findEngine } from '../packages/host/src/engine/find-engine.ts';

/** The engine that the product would use. */
export async function benchEngine(): Promise<EngineClient> {
  const search = await findEngine({ env: process.env });
  if (!search.found) throw new Error(`${search.refusal.message} ${search.refusal.remedy}`);
  return createEngineClient(search.address);
}
