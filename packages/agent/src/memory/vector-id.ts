const MOST_PLACES = 2 ** 32;

/**
 * The row of a fact's vector in a space, one whole number: a table with a key of two would put a vector of more than a
 * quarter of a page on pages of its own, and take three reads for each.
 */
export function vectorId(space: number, fact: number): number {
  return space * MOST_PLACES + fact;
}

export function factOfVector(id: number): number {
  return id % MOST_PLACES;
}
