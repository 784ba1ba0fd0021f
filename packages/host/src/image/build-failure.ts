import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** A failed build, with its last lines for the person who has to mend it. */
export function buildFailure(what: string, lastLines: readonly string[], cause?: unknown): OpenLegionError {
  const text = [what, ...lastLines].join('\n');
  const full = /no space left on device|disk quota exceeded/i.test(text);
  const network =
    /could not resolve|temporary failure|unable to connect|failed to fetch|network is unreachable/i;
  let remedy = 'Start again to build it again. What failed is in the lines above.';
  if (full)
    remedy = 'Free space where the container engine keeps its data (docker system df), then start again.';
  else if (network.test(text)) {
    remedy = 'Check that this machine reaches Debian’s packages or an image registry, then start again.';
  }
  return new OpenLegionError(
    {
      code: full ? 'disk_full' : 'upstream_failed',
      rule: 'image.build',
      message: `The agent image could not be built: ${what}.\n${lastLines.slice(-8).join('\n')}`
        .slice(0, 2000)
        .trim(),
      remedy,
    },
    { cause },
  );
}
