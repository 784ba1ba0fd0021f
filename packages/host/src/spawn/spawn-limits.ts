/** An agent of the configuration has depth 0; what it spawns has 1. */
export const MOST_DEPTH = 2;
/** Of one parent, at a time. */
export const MOST_LIVING = 3;
