import type { KeeperOperations } from '@openlegion/contract/keeper-protocol';
import { REQUEST_PARSERS } from './keeper-requests.ts';
import type { Connection, Operation } from './role-socket.ts';
import type { Parser } from './strict-parser.ts';

/** Every operation of the contract: what it takes once it is parsed, and what it answers. */
export type TypedOperations = {
  [R in keyof KeeperOperations]: {
    [O in keyof KeeperOperations[R]]: KeeperOperations[R][O] extends { request: infer Q; answer: infer A }
      ? (request: Q, connection: Connection) => A
      : never;
  };
};

/** Each operation behind its parser, by role and name. */
export function parsedOperations(
  operations: TypedOperations,
): Record<keyof KeeperOperations, ReadonlyMap<string, Operation>> {
  const parsed = (role: keyof KeeperOperations): Map<string, Operation> => {
    const parsers = new Map<string, Parser<unknown>>(Object.entries(REQUEST_PARSERS[role]));
    return new Map(
      Object.entries<(request: never, connection: Connection) => unknown>(operations[role]).map(
        ([name, run]) => {
          const parse = parsers.get(name);
          if (!parse) throw new Error(`no parser for ${name}`);
          // The parser of the same name made the request, so it is of that operation's type.
          return [name, (args, connection) => run(parse(args, '') as never, connection)];
        },
      ),
    );
  };
  return { gateway: parsed('gateway'), host: parsed('host'), admin: parsed('admin') };
}
