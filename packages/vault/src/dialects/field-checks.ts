import { isObject, type Json, type JsonObject } from '../process/parse-json.ts';
import { refusal } from '../process/refusal.ts';
import { quote } from '../process/refuse.ts';
import { IMAGE_CHECKS } from './image.ts';

/** What a body holds that costs more than its own bytes, counted while it is checked. */
export interface Tally {
  messages: number;
  tools: number;
  images: number;
  /** Bytes of the body that are an image's data: billed per image, not per byte. */
  imageBytes: number;
  /** A prompt cache of one hour was asked for: its writes cost twice the input price. */
  hourCache: number;
}

/** One value: returns what is sent on (undefined: nothing), or throws the refusal. */
export interface Check {
  /** Its JSON type is the one meant, so that a refusal speaks of it. */
  fits(value: Json): boolean;
  check(value: Json, at: string, tally: Tally): Json | undefined;
  /** As a field, its null is sent on; every other field that is null counts as absent. */
  takesNull?: boolean;
}

/** What of a dialect's table (`../../dialects/README.md`) says which fields there are. */
export interface FieldTable {
  camelCase?: boolean;
  reasons: Record<string, string>;
  shapes: Record<string, Json>;
}

const MAX_LIST = 20_000;
const LIST = /^list of (?:at most (\d+) )?(.+)$/;
const INTEGER = /^integer(?: (-?\d+)\.\.(\d*))?$/;

/** Compiles a shape of the table by its name. Throws where the table does not make sense: a mistake of ours. */
export function createFieldChecks(table: FieldTable): (shape: string) => Check {
  const compiled = new Map<string, Check>(BUILT_IN);

  function named(name: string): Check {
    const check = compiled.get(name) ?? compile(table.shapes[name] ?? null);
    compiled.set(name, check);
    return check;
  }

  function compile(spec: Json): Check {
    if (typeof spec === 'string') return alternatives(spec.split(' or ').map(simple));
    if (Array.isArray(spec)) return oneOf(spec);
    if (!isObject(spec)) throw new Error(`no shape of a field: ${JSON.stringify(spec)}`);
    const { $refuse, $drop, $count, $by } = spec;
    if (typeof $refuse === 'string') return refused(reason($refuse), spec.$unless, spec.$instead);
    if ($drop !== undefined) return dropped(compile($drop));
    if (isObject($count)) return counted($count, spec.$when, compile(spec.$is ?? null));
    return typeof $by === 'string' ? tagged($by, spec) : object(spec);
  }

  function simple(spec: string): Check {
    const [, most, items] = LIST.exec(spec) ?? [];
    if (items !== undefined) return list(simple(items), Number(most ?? MAX_LIST));
    const integer = INTEGER.exec(spec);
    return integer ? whole(integer[1], integer[2]) : named(spec);
  }

  function reason(name: string): string {
    const text = table.reasons[name.replace('@', '')];
    if (text === undefined) throw new Error(`no reason ${name}`);
    return text;
  }

  function tagged(key: string, { $by: _by, $missing, $others, ...variants }: JsonObject): Check {
    const known = new Map(Object.entries(variants).map(([name, spec]) => [name, compile(spec)]));
    const names = [...known.keys()].join(', ');
    const why = typeof $others === 'string' ? reason($others) : null;
    return {
      fits: isObject,
      check(value, at, tally) {
        if (!isObject(value)) throw invalid(at, 'an object');
        const tag = value[key] ?? $missing;
        if (typeof tag !== 'string') throw invalid(`${at}.${key}`, `one of ${names}`);
        const variant = known.get(tag);
        if (variant) return variant.check(value, at, tally);
        const place = { rule: `${ruleOf(at)}.${key}`, at: `${at}.${key}`, tag: quote(tag) };
        throw why === null
          ? refusal('llm.field:variant', { ...place, names })
          : refusal('llm.field:hosted', { ...place, why });
      },
    };
  }

  /** Exactly the listed fields. A field that is null counts as absent unless its check takes null. */
  function object({ $note: _note, ...specs }: JsonObject): Check {
    const fields = new Map<string, Check>();
    const required: string[] = [];
    for (const [names, spec] of Object.entries(specs)) {
      for (const name of names.split(' ')) {
        const field = name.replace(/!$/, '');
        if (field !== name) required.push(field);
        fields.set(field, compile(spec));
      }
    }
    return {
      fits: isObject,
      check(value, at, tally) {
        if (!isObject(value)) throw invalid(at || 'the body', 'an object');
        const result: JsonObject = {};
        for (const given of Object.keys(value)) {
          const key = table.camelCase === true && !fields.has(given) ? camelCased(given) : given;
          const field = fields.get(key);
          const path = at === '' ? key : `${at}.${key}`;
          if (!field)
            throw refusal('llm.field:unknown', { rule: ruleOf(path.slice(0, 150)), field: quote(path) });
          if (key !== given && Object.hasOwn(value, key)) throw invalid(path, 'this field in one spelling');
          const item = value[given] ?? null;
          if (item === null && field.takesNull !== true) continue;
          const kept = field.check(item, path, tally);
          if (kept !== undefined) result[key] = kept;
        }
        for (const key of required)
          if (!Object.hasOwn(result, key)) throw invalid(at === '' ? key : `${at}.${key}`, 'a value');
        return result;
      },
    };
  }

  return named;
}

const only = (fits: (value: Json) => boolean, expected: string): Check => ({
  fits,
  check(value, at) {
    if (!fits(value)) throw invalid(at, expected);
    return value;
  },
});

/** A field's null is sent on only where it is listed: it means something to the provider there. */
const NULL = only((value) => value === null, 'null');
const BUILT_IN: readonly (readonly [string, Check])[] = [
  ['text', only((value) => typeof value === 'string', 'a string')],
  ['boolean', only((value) => typeof value === 'boolean', 'true or false')],
  ['number', only((value) => typeof value === 'number', 'a number')],
  ['object', only(isObject, 'an object')],
  ['any', only((value) => value !== null, 'a value')],
  ['null', NULL],
  ...IMAGE_CHECKS,
];

function alternatives(checks: Check[]): Check {
  const [first, ...others] = checks;
  if (!first || others.length === 0) return first ?? NULL;
  const last = others.at(-1) ?? first;
  return {
    takesNull: checks.includes(NULL),
    fits: (value) => checks.some((each) => each.fits(value)),
    check: (value, at, tally) => (checks.find((each) => each.fits(value)) ?? last).check(value, at, tally),
  };
}

function oneOf(allowed: readonly Json[]): Check {
  return only((value) => allowed.includes(value), `one of ${allowed.join(', ')}`);
}

function whole(from = String(Number.MIN_SAFE_INTEGER), to = ''): Check {
  const [min, max] = [Number(from), to === '' ? Number.MAX_SAFE_INTEGER : Number(to)];
  const within = (value: Json) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
  return only(within, `a whole number from ${min} to ${max}`);
}

function list(item: Check, most: number): Check {
  return {
    fits: Array.isArray,
    check(value, at, tally) {
      if (!Array.isArray(value)) throw invalid(at, 'a list');
      if (value.length > most) throw invalid(at, `at most ${most} entries`);
      return value.map((each, index) => {
        const kept = item.check(each, `${at}[${index}]`, tally);
        if (kept === undefined) throw invalid(`${at}[${index}]`, 'a value that can be sent on');
        return kept;
      });
    },
  };
}

function dropped({ fits, check }: Check): Check {
  return { fits, check: (value, at, tally) => void check(value, at, tally) };
}

function counted(counts: JsonObject, when: Json | undefined, inner: Check): Check {
  const { messages = 0, tools = 0, hourCache = 0 } = counts;
  return {
    fits: inner.fits,
    check(value, at, tally) {
      if (when === undefined || when === value) {
        tally.messages += Number(messages);
        tally.tools += Number(tools);
        tally.hourCache += Number(hourCache);
      }
      return inner.check(value, at, tally);
    },
  };
}

function refused(why: string, unless: Json | undefined, instead: Json | undefined): Check {
  const remedy = typeof instead === 'string' ? instead : 'Leave this field out.';
  return {
    fits: () => true,
    check(value, at) {
      if (Array.isArray(unless) && unless.includes(value)) return undefined;
      throw refusal('llm.field:refused', { rule: ruleOf(at), at, why, remedy });
    },
  };
}

function invalid(at: string, expected: string) {
  return refusal('llm.field:invalid', { rule: ruleOf(at), at, expected });
}

/** `messages[3].content` → `llm.field.messages.content`. */
function ruleOf(at: string): string {
  return `llm.field.${at.replace(/\[\d+\]/g, '').replace(/[^\x21-\x7e]/g, '?')}`;
}

function camelCased(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
