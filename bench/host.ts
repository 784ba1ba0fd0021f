import type { Bench } from './measure.ts';

export const benchHost: Bench = async () => {
  throw new Error('not written yet');
};
