"""A crew of one with one tool: the message on standard input, the answer on standard output."""

import contextlib
import os
import sys

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool
from reach_out import reach_out


message = sys.stdin.read()
llm = LLM(model=f"openai/{os.environ['OPENLEGION_MODEL']}", base_url=os.environ["OPENAI_BASE_URL"])
worker = Agent(role="worker", goal="Answer.", backstory="You answer.", tools=[tool("reach_out")(reach_out)], llm=llm)
task = Task(description=message, expected_output="The answer.", agent=worker)
# What the library prints on its way is not the answer.
with contextlib.redirect_stdout(sys.stderr):
    result = Crew(agents=[worker], tasks=[task]).kickoff()
print(result.raw)
