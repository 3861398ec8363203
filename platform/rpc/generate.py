"""`make proto`: what is generated from the `.proto` files, written beside them.

The compiler comes from the pinned grpcio-tools, so that everybody generates the same files.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
"""The folder that imports in `.proto` files are relative to; Python's imports of the generated modules are the same."""


def protos() -> list[str]:
    """The `.proto` files, relative to `SOURCE`, in a fixed order."""
    found = (SOURCE / "rpc" / "v1").glob("*.proto")
    return sorted(path.relative_to(SOURCE).as_posix() for path in found)


def generate(target: Path) -> None:
    """Write messages, their types and client stubs below `target`.

    Raises
    ------
    RuntimeError
        The compiler refused a file; it has said why on the standard error output.
    """
    from grpc_tools import protoc

    includes = [f"-I{SOURCE}", f"-I{files('grpc_tools') / '_proto'}"]
    every = protos()
    serving = [name for name in every if "\nservice " in (SOURCE / name).read_text(encoding="utf-8")]
    for kinds, names in ((("python", "pyi"), every), (("grpc_python",), serving)):
        outputs = [f"--{kind}_out={target}" for kind in kinds]
        if protoc.main(["protoc", *includes, *outputs, *names]) != 0:
            raise RuntimeError("the .proto files could not be compiled")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE)
