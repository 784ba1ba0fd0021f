"""A LangGraph agent with one tool, served as chat completions: `runtime.protocol: openai`."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from langchain_core.messages import AIMessageChunk
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent
from reach_out import reach_out


agent = create_react_agent(ChatOpenAI(model=os.environ["OPENLEGION_MODEL"]), [tool(reach_out)])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer("application/json", b'{"object":"list","data":[]}')

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer("text/event-stream", b"")
        for chunk, _ in agent.stream({"messages": asked["messages"]}, stream_mode="messages"):
            if isinstance(chunk, AIMessageChunk) and chunk.text:
                self.send({"content": chunk.text}, None)
        self.send({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(body)

    def send(self, delta, reason):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        self.wfile.flush()


ThreadingHTTPServer(("127.0.0.1", 8500), Handler).serve_forever()
