import { z } from 'zod';
import { coordinationTools } from '../coordination/coordination-tools.ts';
import type { ToolDefinition } from '../model/model-stream.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { createEditFile } from './edit-file.ts';
import { createExec } from './exec.ts';
import { createFleetTools } from './fleet-tools.ts';
import { createHandOff } from './hand-off.ts';
import { createHttpRequest } from './http-request.ts';
import { createIntrospect } from './introspect.ts';
import { createListAgents } from './list-agents.ts';
import { createListFiles } from './list-files.ts';
import type { OutputFiles } from './output-files.ts';
import { createReadArtifact } from './read-artifact.ts';
import { createReadFile } from './read-file.ts';
import { createRequestHost } from './request-host.ts';
import { createSaveArtifact } from './save-artifact.ts';
import { createSearchFiles } from './search-files.ts';
import type { SendOutside } from './send-outside.ts';
import type { AnyTool, ToolContext } from './tool.ts';
import { createVaultCaptureFromPage } from './vault-capture-from-page.ts';
import { createVaultGenerateSecret } from './vault-generate-secret.ts';
import { createVaultList, createVaultStatus } from './vault-list.ts';
import { createWebFetch } from './web-fetch.ts';
import { createWebSearch } from './web-search.ts';
import { createWriteFile } from './write-file.ts';

export interface OfferedTools {
  tools: ReadonlyMap<string, AnyTool>;
  withheld: ReadonlySet<string>;
  definitions: ToolDefinition[];
}

/** All tools of the agent, of which only those in `granted` are offered. Agent-enforced; the host enforces effects. */
export function defineTools(options: {
  workspace: string;
  mesh: MeshClient;
  outputs: OutputFiles;
  send: SendOutside;
  granted: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Tools that need more than this. */
  more?: readonly AnyTool[];
}): OfferedTools {
  const { workspace, mesh, outputs, send, granted, environment, more = [] } = options;
  const capture = ({ messageId, callId }: ToolContext) => outputs.capture(messageId, callId);
  const all = [
    createExec({ workspace, environment, capture }),
    createReadFile(workspace),
    createWriteFile(workspace),
    createEditFile(workspace),
    createListFiles(workspace),
    createSearchFiles({ workspace, capture }),
    createHandOff(mesh),
    createListAgents(mesh),
    ...coordinationTools(mesh),
    createHttpRequest({ send, capture }),
    createRequestHost(mesh),
    createWebSearch(send),
    createWebFetch({ send, capture }),
    createVaultList(mesh),
    createVaultStatus(mesh),
    createVaultGenerateSecret(mesh),
    createVaultCaptureFromPage(mesh, send),
    createIntrospect(mesh),
    createSaveArtifact(mesh, workspace),
    createReadArtifact(mesh, workspace),
    ...createFleetTools(mesh),
    ...more,
  ];
  const offered = all.filter((tool) => granted.includes(tool.name));
  return {
    tools: new Map(offered.map((tool) => [tool.name, tool])),
    withheld: new Set(all.filter((tool) => !granted.includes(tool.name)).map((tool) => tool.name)),
    definitions: offered.map((tool) => ({
      name: tool.name,
      description: tool.description,
      inputSchema: jsonSchema(tool.schema),
    })),
  };
}

function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
