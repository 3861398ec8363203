"""Which answers of the API travel compressed, and how streams are.

Only answers below ``/api/`` are: they repeat no secret beside text that a stranger chose, which is what makes compressed
pages dangerous (BREACH); the portal's pages, which carry form tokens, stay as they are. Whole answers also get random bytes
in the header (Django's "heal the breach"), so that their length says nothing exact.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from django.http import HttpRequest

#: Arrow and Parquet are compressed in themselves.
COMPRESSIBLE = frozenset(
    {
        "application/json",
        "application/yaml",
        "application/vnd.oai.openapi",
        "application/vnd.oai.openapi+json",
        "text/csv",
    }
)
#: What fits one packet gains nothing.
SMALLEST = 1400
#: Streams are large tables of digits: the fastest level makes them four times smaller, the default one costs three times the time.
STREAM_LEVEL = 1
_GZIP_FORMAT = 31


def accepts_gzip(request: HttpRequest) -> bool:
    """Whether the caller takes gzip."""
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def is_compressible(content_type: str) -> bool:
    """Whether answers of this content type become smaller."""
    return content_type.partition(";")[0].strip().lower() in COMPRESSIBLE


def gzip_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of a stream, compressed as they come: nothing is held back for longer than a piece."""
    packer = zlib.compressobj(STREAM_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)
    for piece in pieces:
        if packed := packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH):
            yield packed
    yield packer.flush()
