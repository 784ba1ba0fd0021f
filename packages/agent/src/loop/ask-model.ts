import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { Seam } from '../history/entry.ts';
import type { ModelEvent, ModelRequest, ModelStream } from '../model/model-stream.ts';
import type { Interrupt } from './interrupt.ts';
import { LOOP_LIMITS } from './limits.ts';

export type ModelAnswer = Extract<ModelEvent, { type: 'finished' | 'failed' }> & { seams: Seam[] };

/**
 * One model call, its deltas emitted as they come. Interrupted in the middle it gives back what was said until
 * then; a stream that ends without saying how counts as failed.
 */
export async function askModel(options: {
  stream: ModelStream;
  request: ModelRequest;
  round: number;
  interrupt: Interrupt;
  emit: (event: TurnEvent) => Promise<void>;
}): Promise<ModelAnswer> {
  const { interrupt, emit, round } = options;
  let model = '';
  let said = '';
  const seams: Seam[] = [];
  try {
    for await (const event of options.stream(options.request, interrupt.signal)) {
      switch (event.type) {
        case 'routed':
          model = event.model;
          await emit({ type: 'model_call', model, round });
          break;
        case 'switched': {
          const { type, afterChars, ...seam } = event;
          seams.push({ ...seam, afterChars });
          await emit({ type: 'model_switched', ...seam, continued: afterChars > 0 });
          break;
        }
        case 'text':
          said += event.text;
          for (const text of pieces(event.text)) await emit({ type: 'text_delta', text });
          break;
        case 'reasoning':
          for (const text of pieces(event.text)) await emit({ type: 'reasoning_delta', text });
          break;
        case 'finished':
        case 'failed':
          return { ...event, seams };
      }
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
  }
  return {
    type: 'failed',
    model,
    dialect: '',
    parts: said === '' ? [] : [{ type: 'text', text: said }],
    seams,
    refusal: {
      code: 'upstream_failed',
      rule: 'agent.model',
      message: 'The model’s answer stopped in the middle.',
      remedy: 'Send the message again.',
    },
  };
}

function* pieces(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += LOOP_LIMITS.deltaChars) {
    yield text.slice(at, at + LOOP_LIMITS.deltaChars);
  }
}
