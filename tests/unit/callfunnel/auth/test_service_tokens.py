import asyncio

import pytest

from callfunnel.auth.service_tokens import Granted, ServiceTokens


class Issuer:
    def __init__(self) -> None:
        self.now = 0.0
        self.up = True
        self.granted = 0
        self.tokens = ServiceTokens(self.grant, lambda: self.now)

    async def grant(self) -> Granted:
        await asyncio.sleep(0)
        if not self.up:
            raise ConnectionRefusedError
        self.granted += 1
        return Granted(f"token-{self.granted}", 300)


async def test_one_token_serves_everybody_until_it_is_old() -> None:
    issuer = Issuer()
    assert set(await asyncio.gather(*(issuer.tokens.token() for _ in range(20)))) == {"token-1"}
    issuer.now = 239
    assert await issuer.tokens.token() == "token-1"


async def test_it_is_renewed_before_it_ends() -> None:
    issuer = Issuer()
    await issuer.tokens.token()
    issuer.now = 241
    assert await issuer.tokens.token() == "token-2"


async def test_the_old_one_serves_while_the_issuer_is_down() -> None:
    issuer = Issuer()
    await issuer.tokens.token()
    issuer.up, issuer.now = False, 280
    assert await issuer.tokens.token() == "token-1"
    issuer.now = 299
    with pytest.raises(ConnectionRefusedError):
        await issuer.tokens.token()
