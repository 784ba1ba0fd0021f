import type { Bench } from './measure.ts';

export const benchModel: Bench = async () => {
  throw new Error('not written yet');
};
