"""The command line: thin commands over the gateway's API and the running stack of one home.

Modules import what they need inside the command that needs it, so that `--help` stays quick.
"""
