import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { dataPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { RefusalBody } from '@openlegion/contract/refusal';
import type { z } from 'zod';
import { readSupervisorFile, runningSupervisor } from '../supervisor/supervisor-file.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;

export interface ControlRequest {
  method: 'GET' | 'POST' | 'PUT';
  path: string;
  json?: unknown;
  bytes?: Buffer;
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface ControlClient {
  /** The answer, held to the schema. Throws OpenLegionError: the host's own refusal, or `unavailable`. */
  json<T>(schema: z.ZodType<T>, request: ControlRequest): Promise<T>;
  bytes(request: ControlRequest): Promise<Buffer>;
  /** The answer's stream, once its headers are there and its status is 200. */
  stream(request: ControlRequest): Promise<IncomingMessage>;
}

/**
 * The control API of the installation at `home`. Port and token are read again for each request, since a host that
 * was started again may listen elsewhere. `ownToken`: one that a person was given, instead of the installation's.
 */
export function createControlClient(
  home: string,
  ownToken: string | null = process.env.OPENLEGION_TOKEN || null,
): ControlClient {
  const stream = (sent: ControlRequest): Promise<IncomingMessage> => {
    const { port } = runningSupervisor(home) ?? { port: 0 };
    if (port === 0) return Promise.reject(notRunning(home));
    const body = sent.bytes ?? (sent.json === undefined ? undefined : Buffer.from(JSON.stringify(sent.json)));
    return new Promise((resolve, reject) => {
      const call = request({
        host: '127.0.0.1',
        port,
        method: sent.method,
        path: sent.path,
        agent: false,
        headers: {
          authorization: `Bearer ${ownToken ?? readToken(home)}`,
          accept: 'application/json, text/event-stream, */*',
          ...(body
            ? {
                'content-type': sent.bytes ? 'application/octet-stream' : 'application/json',
                'content-length': body.length,
              }
            : {}),
        },
        ...(sent.timeoutMs ? { timeout: sent.timeoutMs } : {}),
        ...(sent.signal ? { signal: sent.signal } : {}),
      });
      call.once('timeout', () => call.destroy(new Error(`no answer in ${(sent.timeoutMs ?? 0) / 1000} s`)));
      call.once('error', (error) => reject(unreachable(home, error)));
      call.once('response', (response) => {
        if ((response.statusCode ?? 500) < 300) resolve(response);
        else
          void readAll(response).then(
            (text) => reject(refusalOf(response.statusCode ?? 500, text.toString(), ownToken !== null)),
            reject,
          );
      });
      call.end(body);
    });
  };
  const bytes = async (sent: ControlRequest) => readAll(await stream({ timeoutMs: 30_000, ...sent }));
  return {
    stream,
    bytes,
    async json(schema, sent) {
      const text = (await bytes(sent)).toString();
      try {
        return schema.parse(text === '' ? null : JSON.parse(text));
      } catch (cause) {
        throw new OpenLegionError(
          {
            code: 'upstream_failed',
            rule: 'control.answer',
            message: `The host answered ${sent.method} ${sent.path.split('?')[0]} in a form this command does not know.`,
            remedy: 'Stop and start OpenLegion, so that the host and this command are of one version.',
          },
          { cause },
        );
      }
    },
  };
}

/** Thrown when no host runs for this home. */
export function notRunning(home: string): OpenLegionError {
  const starting = runningSupervisor(home) !== null;
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'cli.not_running',
    message: starting
      ? `OpenLegion is still starting for ${home}.`
      : `OpenLegion is not running for ${home}.`,
    remedy: starting
      ? 'Wait a moment; ./openlegion status shows when it is up.'
      : 'Start it with ./openlegion start -d.',
  });
}

function unreachable(home: string, cause: Error): OpenLegionError {
  const file = readSupervisorFile(home);
  return new OpenLegionError(
    {
      code: 'unavailable',
      rule: 'control.unreachable',
      message: `The host does not answer on 127.0.0.1:${file?.port ?? '?'} (${cause.message}).`,
      remedy: `It may be starting again; ${dataPaths(home).logs}/host.log says why.`,
    },
    { cause },
  );
}

function readToken(home: string): string {
  try {
    return readFileSync(dataPaths(home).controlToken, 'utf8').trim();
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'unauthenticated',
        rule: 'control.token',
        message: `The token of the control API cannot be read: ${dataPaths(home).controlToken}.`,
        remedy:
          'Run this command as the user who started OpenLegion, or with a token of your own in OPENLEGION_TOKEN.',
      },
      { cause },
    );
  }
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const piece = Buffer.from(chunk);
    size += piece.length;
    if (size > MAX_BODY_BYTES) {
      response.destroy();
      throw new OpenLegionError({
        code: 'too_large',
        rule: 'control.answer',
        message: 'The answer is larger than 64 MiB.',
        remedy: 'Ask for less at a time.',
      });
    }
    chunks.push(piece);
  }
  return Buffer.concat(chunks);
}

function refusalOf(status: number, text: string, named: boolean): OpenLegionError {
  try {
    const parsed = RefusalBody.parse(JSON.parse(text));
    const { code, rule, message, remedy } = parsed.error;
    const own =
      'The token in OPENLEGION_TOKEN was revoked, has expired or is not one of this installation; without it, this command uses the one of the installation.';
    return new OpenLegionError({
      ...{ code, rule, message },
      remedy: named && code === 'unauthenticated' ? own : remedy,
    });
  } catch {
    return new OpenLegionError({
      code: 'upstream_failed',
      rule: 'control.status',
      message: `The host answered with HTTP status ${status}.`,
      remedy: 'data/logs/host.log says more.',
    });
  }
}
