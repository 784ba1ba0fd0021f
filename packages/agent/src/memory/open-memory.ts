import type { AgentStart } from '@openlegion/contract/agent-api';
import { ModelName } from '@openlegion/contract/model-name';
import type { Database } from '../history/database.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { createEmbed } from './ask-embeddings.ts';
import { createMemory } from './create-memory.ts';
import type { Memory } from './memory.ts';

/** The memory of a started agent: with vectors of the fleet's embedding model where it has one. */
export function openMemory(options: {
  start: AgentStart;
  database: Database;
  mesh: MeshClient;
  log: (error: unknown) => void;
}): Memory {
  const { start, database, mesh, log } = options;
  const model = ModelName.safeParse(start.extras.embeddingModel);
  return createMemory({
    database,
    now: Date.now,
    log,
    ...(model.success ? { embedding: { model: model.data, embed: createEmbed(mesh, model.data) } } : {}),
  });
}
