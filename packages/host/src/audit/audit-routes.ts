import { Readable } from 'node:stream';
import { ExportAudit } from '@openlegion/contract/audit-export';
import type { ControlRoute } from '../control/control-routes.ts';
import { route } from '../control/route.ts';
import { parseJsonBody } from '../mesh/read-json-body.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { AuditLog } from './audit-log.ts';
import { exportAudit } from './export-audit.ts';

export function auditRoutes({ audit, keeper }: { audit: AuditLog; keeper: KeeperClient }): ControlRoute[] {
  return [
    route('POST', '/api/audit/export', 'operator', async ({ caller, body }) => {
      const lines = await exportAudit(
        {
          audit,
          readKeeper: async (after, limit) => (await keeper.audit(after, limit)).records,
          sign: (seq, hash) => keeper.checkpoint(seq, hash),
        },
        caller.name,
        parseJsonBody(await body(), ExportAudit),
      );
      return new Response(Readable.toWeb(Readable.from(lines)), {
        headers: { 'content-type': 'application/x-ndjson' },
      });
    }),
  ];
}
