import { FleetEvent } from '@openlegion/contract/control-api';

/** The events of a `text/event-stream` body (HTML, section 9.2.6); what is not a FleetEvent is passed over. */
export async function* parseEventStream(body: AsyncIterable<Buffer | string>): AsyncGenerator<FleetEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const chunk of body) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        const event = data.length > 0 ? parseEvent(data.join('\n')) : null;
        data = [];
        if (event) yield event;
      } else if (line.startsWith('data:')) data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
    }
  }
}

function parseEvent(text: string): FleetEvent | null {
  try {
    const parsed = FleetEvent.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
