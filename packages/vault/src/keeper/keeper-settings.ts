import type { KeeperSettings } from '@openlegion/contract/process-protocol';
import { integer, nullable, type Parser, strictObject, text } from '../process/strict-parser.ts';

const path = text(4096, /^\/[^\0]*$/, 'an absolute path');
// Root is nobody's own uid: given 0, a drop would drop nothing.
const uid = nullable(integer(1, 0xffff_fffe));

export const parseKeeperSettings: Parser<KeeperSettings> = strictObject<KeeperSettings>({
  keeperDirectory: path,
  run: path,
  uid,
  gatewayUid: uid,
});
