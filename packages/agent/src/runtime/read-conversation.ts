import type { Database } from '../history/database.ts';
import { frameMessage } from '../prompt/frame-message.ts';
import { clean } from '../prompt/prompt-text.ts';
import type { Said } from './program-driver.ts';
import { RUNTIME_LIMITS } from './runtime-limits.ts';

/** The newest turns before a message in its session, oldest first, as text that may go into a prompt. */
export function readConversation(database: Database, messageId: string): Said[] {
  const rows = database.read(
    `SELECT turns.sender, turns.text, turns.reply FROM turns JOIN turns AS this
     ON this.message_id = ? AND turns.session = this.session AND turns.seq < this.seq
     ORDER BY turns.seq DESC LIMIT ?`,
    messageId,
    RUNTIME_LIMITS.turnsBefore,
  );
  const said: Said[] = [];
  let chars = 0;
  for (const row of rows) {
    const text = frameMessage({ role: 'user', from: String(row.sender), text: String(row.text) });
    const reply = clean(String(row.reply ?? ''));
    chars += text.length + reply.length;
    if (chars > RUNTIME_LIMITS.charsBefore) break;
    if (reply.trim() !== '') said.unshift({ role: 'assistant', text: reply });
    said.unshift({ role: 'user', text });
  }
  return said;
}
