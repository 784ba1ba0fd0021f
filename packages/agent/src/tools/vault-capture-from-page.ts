import { CaptureKey, CaptureSecret } from '@openlegion/contract/mesh-api';
import { z } from 'zod';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from './answer-of-mesh.ts';
import { OutsideUrl } from './http-request.ts';
import { LINEAR_SELECTOR, PAGE_BYTES, readPage } from './read-page.ts';
import type { SendOutside } from './send-outside.ts';
import { type AnyTool, defineTool } from './tool.ts';
import { handleResult } from './vault-generate-secret.ts';

const Literal = z.string().min(1).max(500);

const Place = z.strictObject({
  ...CaptureSecret.omit({ sealed: true }).shape,
  url: OutsideUrl,
  selector: z
    .string()
    .max(300)
    .regex(LINEAR_SELECTOR, 'names, #ids, .classes and [attributes="…"], with > between them')
    .optional()
    .describe('CSS selector of the one element that holds the secret. The whole page where absent.'),
  attribute: z.string().max(100).optional().describe('Attribute of that element, for example value.'),
  after: Literal.optional().describe('The secret begins behind the first of these texts.'),
  before: Literal.optional().describe('The secret ends in front of the first of these texts.'),
});

/**
 * Takes a secret from a page into the vault, sealed here to the keeper's key: the host cannot read it, and it is in
 * no result, history or log. The model says where it is without having seen it.
 */
export function createVaultCaptureFromPage(mesh: MeshClient, send: SendOutside): AnyTool {
  return defineTool({
    name: 'vault_capture_from_page',
    description:
      'Take a secret that a page shows (GET) into the vault without reading it: say where it stands by a selector, by the texts around it, or both. You get a handle that works at the hosts you name, never the value.',
    schema: Place.refine(
      ({ selector, after }) => selector !== undefined || after !== undefined,
      'say where it is: selector, after, or both',
    ),
    run: ({ name, hosts, url, ...place }, { signal }) =>
      orRefused(async () => {
        const page = await send({ method: 'GET', url: new URL(url) }, { maxBytes: PAGE_BYTES, signal });
        if (page.status !== 200) return failed(`the page answered ${page.status}`);
        if (page.cut !== null) return failed(`the page is longer than ${PAGE_BYTES / 1024} KiB or broke off`);
        const found = await find(page.body, place);
        if (!found.ok) return failed(found.problem);
        const key = CaptureKey.parse(await answerOfMesh(mesh, signal, '/mesh/vault/key'));
        const { sealToKeeper } = await import('./seal-to-keeper.ts');
        const sealed = sealToKeeper(found.value, key.publicKeyPem);
        return handleResult(await answerOfMesh(mesh, signal, '/mesh/vault/capture', { name, hosts, sealed }));
      }),
  });
}

type Found = { ok: true; value: string } | { ok: false; problem: string };

/** What is told of a failure is never of the page. */
async function find(
  page: Buffer,
  {
    selector,
    attribute,
    after,
    before,
  }: Pick<z.output<typeof Place>, 'selector' | 'attribute' | 'after' | 'before'>,
): Promise<Found> {
  let text: string | null | undefined = page.toString();
  if (selector !== undefined) {
    const elements = await readPage(page, selector).catch(() => []);
    if (elements.length !== 1) return missing(`the selector matches ${elements.length} elements, not one`);
    text = attribute === undefined ? elements[0]?.text : elements[0]?.attribute(attribute);
    if (typeof text !== 'string') return missing('the element has no such attribute');
  }
  if (after !== undefined) {
    const at = text.indexOf(after);
    if (at === -1) return missing('the text that it comes after is not there');
    text = text.slice(at + after.length);
  }
  if (before !== undefined) {
    const at = text.indexOf(before);
    if (at === -1) return missing('the text that it comes before is not there');
    text = text.slice(0, at);
  }
  const value = text.trim();
  // As the keeper takes it: whole in one header.
  if (!/^[^\0\r\n]{1,16384}$/.test(value)) return missing('what is there is no secret of one line');
  return { ok: true, value };
}

function missing(problem: string): Found {
  return { ok: false, problem };
}

function failed(output: string) {
  return { outcome: 'error' as const, output };
}
