import type { GatewaySettings } from '@openlegion/contract/process-protocol';
import { integer, nullable, type Parser, strictObject, text } from '../process/strict-parser.ts';

export const parseGatewaySettings: Parser<GatewaySettings> = strictObject<GatewaySettings>({
  run: text(4096, /^\/[^\0]*$/, 'an absolute path'),
  // Root is nobody's own uid: given 0, a drop would drop nothing.
  uid: nullable(integer(1, 0xffff_fffe)),
});
