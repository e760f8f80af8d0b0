"""The other end of the line: what a phone carrier does, as pure pieces.

`callfunnel call` and the tests act as a carrier with these; the product's own side of the same
protocol is `workers/media/channels`. Nothing here waits, reads a clock or opens a socket.
"""
