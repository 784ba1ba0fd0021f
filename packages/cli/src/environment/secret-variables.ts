const SECRET = /^OPENLEGION_(?:SYSTEM|CRED)_/;

/** Names of variables that carry a credential: `OPENLEGION_SYSTEM_*` and `OPENLEGION_CRED_*`. */
export function secretVariables(environment: NodeJS.ProcessEnv): string[] {
  return Object.keys(environment).filter((name) => SECRET.test(name));
}

/** A copy without credentials and without variables that change what Node does. */
export function cleanEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || SECRET.test(name) || name === 'NODE_OPTIONS') continue;
    clean[name] = value;
  }
  return clean;
}
