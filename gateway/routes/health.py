"""For load balancers: alive, ready. Metrics are on the process's own loopback port only."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from gateway.door import TheDoor

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(door: TheDoor) -> JSONResponse:
    """Everything a call needs answers."""
    checks = await door.health.ready()
    status = 200 if all(checks.values()) else 503
    return JSONResponse({"ready": status == 200, "checks": checks}, status_code=status)
