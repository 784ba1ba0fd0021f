import { JsonValue } from '@openlegion/contract/json-value';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { readText } from '../workflow/read-text.ts';

/** JSON, `@FILE` with JSON, or plain words, which are a string. What begins like JSON must be JSON. */
export function parseValue(text: string): JsonValue {
  const json = text.startsWith('@') ? readText(text.slice(1)) : text;
  try {
    return JsonValue.parse(JSON.parse(json));
  } catch (cause) {
    if (!text.startsWith('@') && !/^\s*[[{"]/.test(json)) return json;
    throw new OpenLegionError(
      {
        code: 'bad_request',
        rule: 'cli.json',
        message: 'The value begins like JSON and is none.',
        remedy: 'Correct it, or put it into a file and name that as @FILE.',
      },
      { cause },
    );
  }
}
