"""`token`: an access token for the API, for curl and friends."""

from callfunnel.cli import options


def token(*, home: options.Home = None, as_json: options.Json = False) -> None:
    """Print a fresh access token of the demo tenant's admin."""
    from callfunnel.cli.output import show_json
    from callfunnel.cli.stack import running

    stack = running(home)
    if as_json:
        show_json({"access_token": stack.token, "gateway": stack.gateway})
    else:
        print(stack.token)
