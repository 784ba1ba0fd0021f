/** The shape in which both of OpenAI's dialects say no. */
export function openAiFailure(status: number, message: string): unknown {
  const type =
    status === 401 || status === 403
      ? 'authentication_error'
      : status === 429
        ? 'rate_limit_error'
        : status < 500
          ? 'invalid_request_error'
          : 'server_error';
  const code = status === 404 ? 'model_not_found' : status === 429 ? 'rate_limit_exceeded' : null;
  return { error: { message, type, param: null, code } };
}
