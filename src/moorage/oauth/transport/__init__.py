"""How accounts servers and APIs are asked, over a socket or in this process."""
