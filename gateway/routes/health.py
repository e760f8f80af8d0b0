"""For load balancers and monitoring: alive, ready, measured; no tenant's data."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from callfunnel.infra.telemetry import CONTENT_TYPE
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


@router.get("/metrics")
async def metrics(door: TheDoor) -> Response:
    """Prometheus text."""
    return Response(door.telemetry.render(), media_type=CONTENT_TYPE)
