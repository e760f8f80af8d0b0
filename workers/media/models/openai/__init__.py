"""OpenAI Realtime (GA) and servers that speak the same: address, wire, conversation, line."""
