"""Asks the published plausible-mcp over its own protocol; run by the interpreter of its environment.

Usage: python ask_mcp.py '[["tool", {"argument": ...}], ...]'; prints a JSON list of the texts that came back.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def ask(calls: list[tuple[str, dict[str, object]]]) -> list[str]:
    server = StdioServerParameters(command=sys.executable, args=["-m", "plausible_mcp.server"], env=dict(os.environ))
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        answers = [await session.call_tool(name, arguments) for name, arguments in calls]
    return ["".join(part.text for part in answer.content if part.type == "text") for answer in answers]


print(json.dumps(asyncio.run(ask(json.loads(sys.argv[1])))))
