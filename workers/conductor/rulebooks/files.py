"""Rule books as files that a person edits: a change is published, a mistake is said in the log."""

import logging
from pathlib import Path

from callfunnel.domain.errors import InvalidToken
from callfunnel.domain.ids import TenantId, token
from callfunnel.infra.background import Background
from workers.conductor.rulebooks.handlers import Rulebooks

_LOOK_EVERY_S = 0.5
_AFTER_TROUBLE_S = 2.0
Seen = tuple[int, int, int]
log = logging.getLogger(__name__)


class Watch:
    """Follows the files `<agent>.yaml` of a folder; all belong to one tenant."""

    def __init__(self, folder: Path, tenant: TenantId, rulebooks: Rulebooks) -> None:
        self._folder = folder
        self._tenant = tenant
        self._rulebooks = rulebooks
        self._seen: dict[Path, Seen] = {}
        self._watching = Background("rule book files", self._look, after_trouble_s=_AFTER_TROUBLE_S)

    async def start(self) -> None:
        """Publishes what the folder holds and begins to watch."""
        await self._look()
        self._watching.start()

    async def stop(self) -> None:
        """Stops watching."""
        await self._watching.stop()

    async def _look(self) -> float:
        for path in sorted(self._folder.glob("*.yaml")):
            try:
                status = path.stat()
                seen = (status.st_mtime_ns, status.st_size, status.st_ino)
                if self._seen.get(path) == seen:
                    continue
                document = path.read_text()
            except (OSError, UnicodeDecodeError) as error:
                log.warning("rule book file", extra={"reason": type(error).__name__})
                continue
            await self._publish(path, document)
            self._seen[path] = seen
        return _LOOK_EVERY_S

    async def _publish(self, path: Path, document: str) -> None:
        try:
            agent = token(path.stem)
        except InvalidToken:
            log.warning("rule book file", extra={"reason": "its name is no agent's"})
            return
        stored = await self._rulebooks.publish(self._tenant, agent, document, "file", keep=True)
        for problem in stored.errors[:20]:
            log.error(
                "rule book refused; the old one stays",
                extra={"agent": agent, "line": problem["line"], "reason": problem["what"]},
            )
        if stored.ok:
            log.info("rule book in use", extra={"agent": agent, "version": stored.version})
