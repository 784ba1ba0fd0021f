"""An AutoGen agent with one tool, which prints what happens as events: one JSON object a line."""

import asyncio
import json
import os
import sys
import time

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import (
    TextMessage,
    ToolCallExecutionEvent,
    ToolCallRequestEvent,
)
from autogen_ext.models.openai import OpenAIChatCompletionClient
from reach_out import reach_out


def tell(**event):
    print(json.dumps(event), flush=True)


async def main():
    client = OpenAIChatCompletionClient(
        model=os.environ["OPENLEGION_MODEL"],
        model_info={
            "vision": False,
            "function_calling": True,
            "json_output": False,
            "structured_output": False,
            "family": "unknown",
        },
    )
    agent = AssistantAgent("worker", client, tools=[reach_out], reflect_on_tool_use=True)
    began = time.monotonic()
    async for item in agent.run_stream(task=sys.stdin.read()):
        if isinstance(item, ToolCallRequestEvent):
            for call in item.content:
                tell(type="tool_started", callId=call.id, tool=call.name, arguments=call.arguments)
        elif isinstance(item, ToolCallExecutionEvent):
            took = (time.monotonic() - began) * 1000
            for call in item.content:
                outcome = "error" if call.is_error else "ok"
                tell(
                    type="tool_ended",
                    callId=call.call_id,
                    tool=call.name,
                    outcome=outcome,
                    preview=call.content,
                    durationMs=took,
                )
        elif isinstance(item, TextMessage) and item.source == "worker":
            tell(type="text_delta", text=item.content)


print('{"openlegion":"events"}', flush=True)
asyncio.run(main())
