import { Resolver } from 'node:dns/promises';

/** Every address of a name, IPv4 first; empty when there is none. */
export type ResolveHost = (host: string) => Promise<string[]>;

/**
 * Asks the machine's name servers alone, without hosts file and search domains, which are the operator's network and
 * none of an agent's business. Not getaddrinfo: a name that is slow on purpose would hold one of its few threads.
 */
export function createHostResolver(): ResolveHost {
  const resolver = new Resolver({ timeout: 2500, tries: 2 });
  const none = (): string[] => [];
  return async (host) => {
    const answers = await Promise.all([
      resolver.resolve4(host).catch(none),
      resolver.resolve6(host).catch(none),
    ]);
    return answers.flat();
  };
}
