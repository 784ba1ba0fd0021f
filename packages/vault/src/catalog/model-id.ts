/** A model's name in the path or body; the same letters as the contract's `ModelName`. */
export const MODEL_ID = /^[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,199}$/;
