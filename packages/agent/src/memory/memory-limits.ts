/** Of one fact, in characters. */
export const MEMORY_LIMITS = { textChars: 2000, categoryChars: 60, scopeChars: 100, keyChars: 100 } as const;
