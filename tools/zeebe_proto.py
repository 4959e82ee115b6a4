"""Makes the classes of the Zeebe gateway's messages from their .proto files.

`python -m tools.zeebe_proto` writes `*_pb2.py` and its types, `*_pb2.pyi`, beside each; with `--check` it only says
whether they are as they should be. The usual output of protoc is not used: it puts the messages where every other
library of the process puts those of the same names.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zlib
from base64 import b64decode, b64encode
from pathlib import Path
from textwrap import wrap
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "src" / "procession" / "web" / "zeebe"
PROTOS: Final = ("gateway.proto", "health.proto")
_NOTE: Final = "Made from {proto} by `python -m tools.zeebe_proto`; do not edit it here."
_STUB_HEAD: Final = "# ruff: noqa\n# fmt: off\n"
_MODULE: Final = '''"""{note}"""

from __future__ import annotations

from typing import Final

from procession.web.zeebe.private_pool import load

_FILE: Final = """
{file}
"""

DESCRIPTOR, _MESSAGES = load(_FILE)
globals().update(_MESSAGES)
'''


def made(proto: str) -> tuple[bytes, str]:
    """The descriptor of a file, and its types as a stub."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{FOLDER}", f"--pyi_out={out}"]
        subprocess.run([*command, f"--descriptor_set_out={out / 'set'}", proto], check=True)
        files = FileDescriptorSet.FromString((out / "set").read_bytes())
        stub = (out / proto.replace(".proto", "_pb2.pyi")).read_text(encoding="utf-8")
    note = _NOTE.format(proto=proto)
    stub = stub.replace("_Mapping]", "_Mapping[str, object]]").replace("_Mapping,", "_Mapping[str, object],")
    stub = stub.replace("Mapping[str, object], Mapping as", "Mapping as")
    return files.file[0].SerializeToString(deterministic=True), f'{_STUB_HEAD}"""{note}"""\n{stub}'


def stored(proto: str) -> tuple[bytes, str]:
    """What stands beside a file now: the descriptor and the stub, empty where there is none."""
    module, stub = _beside(proto)
    text = module.read_text(encoding="utf-8") if module.exists() else ""
    _, _, rest = text.partition('_FILE: Final = """')
    data = zlib.decompress(b64decode(rest.partition('"""')[0])) if rest else b""
    return data, stub.read_text(encoding="utf-8") if stub.exists() else ""


def _beside(proto: str) -> tuple[Path, Path]:
    module = FOLDER / proto.replace(".proto", "_pb2.py")
    return module, module.with_suffix(".pyi")


def main() -> int:
    """Writes, or checks, all of them; 1 when something is stale."""
    stale: list[str] = []
    for proto in PROTOS:
        wanted = made(proto)
        if stored(proto) == wanted:
            continue
        stale.append(proto)
        if "--check" in sys.argv[1:]:
            continue
        module, stub = _beside(proto)
        file = "\n".join(wrap(b64encode(zlib.compress(wanted[0], 9)).decode(), 116))
        module.write_text(_MODULE.format(note=_NOTE.format(proto=proto), file=file), encoding="utf-8")
        stub.write_text(wanted[1], encoding="utf-8")
    if stale and "--check" in sys.argv[1:]:
        print(f"stale: {', '.join(stale)}: run `python -m tools.zeebe_proto`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
