"""An MCP server: tools by which agents use the apps. A tool calls the gateway as any program does.

So what a key may do, what waits for a person, and what is noted is decided where it is decided for all calls. The
official SDK is loaded at the first call, as it takes half a second and 26 MB.
"""
