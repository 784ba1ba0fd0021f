import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** What the words of a failed build mean for the person who chose the image; the first that fits. */
const REASONS: readonly (readonly [RegExp, string, string])[] = [
  [
    /exec format error/i,
    'it is for another processor architecture than the engine’s',
    'Build or pull it for this architecture.',
  ],
  [
    /GLIBC_[0-9.]+|GLIBCXX_[0-9.]+|CXXABI_[0-9.]+/,
    'its C library is too old for Node',
    'Use an image of a distribution of 2021 or later (Debian 11, Ubuntu 22.04, RHEL 9).',
  ],
  [
    /libstdc\+\+\.so|libgcc_s\.so|lib(?:m|dl|pthread|c)\.so/,
    'it lacks a library that Node needs (libstdc++)',
    'Install it in the image: apt-get install libstdc++6.',
  ],
  [
    /no such file or directory|not found/i,
    'it has no glibc (it is built on musl, as Alpine is, or has no C library at all)',
    'Use its variant on Debian or Ubuntu: most images have one, for example python:3.13-slim instead of python:3.13-alpine.',
  ],
];

/** Why our agent cannot run in an image, from the last lines of the build that tried; null for a failure of another kind. */
export function foreignRefusal(image: string, lastLines: readonly string[]): OpenLegionError | null {
  const text = lastLines.join('\n');
  const reason = REASONS.find(([words]) => words.test(text));
  if (!reason) return null;
  const [, why, remedy] = reason;
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'runtime.image',
    message: `The image ${image} cannot be used for an agent: ${why}.`,
    remedy,
  });
}

export function noSuchImage(image: string, why: string): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'runtime.image',
    message: `The image ${image} is not on the container engine, and could not be pulled${why === '' ? '' : `: ${why.slice(0, 300)}`}.`,
    remedy: 'Build or pull it with the engine that runs the agents, or correct runtime.image.',
  });
}
