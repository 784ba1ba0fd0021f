import { z } from 'zod';

/** A model's own name, as its provider takes it: what comes after the first slash of a `ModelName`. */
export const MODEL_ID = /^[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,199}$/;

/** `provider/model`. The provider is a catalog id; the model is everything after the first slash. */
export const ModelName = z
  .string()
  .max(200)
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}\/[A-Za-z0-9@][A-Za-z0-9@._:/+-]*$/,
    'provider/model, for example openai/gpt-4.1-mini',
  );
export type ModelName = z.infer<typeof ModelName>;

export function splitModelName(name: ModelName): { provider: string; model: string } {
  const slash = name.indexOf('/');
  return { provider: name.slice(0, slash), model: name.slice(slash + 1) };
}
