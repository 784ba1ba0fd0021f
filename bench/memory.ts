import type { Bench } from './measure.ts';

export const benchMemory: Bench = async () => {
  throw new Error('not written yet');
};
