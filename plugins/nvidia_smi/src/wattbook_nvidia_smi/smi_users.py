"""Which processes use a GPU, where only nvidia-smi tells: its XML report, cut down to processes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from attrs import define, field
from wattbook import ReadError

from wattbook_nvidia_smi.gpu import Gpu
from wattbook_nvidia_smi.processes import IN_A_CONTAINER, Users, numbers_mean_something

TIMEOUT_S = 5.0
AGAIN_S = 10.0  #: a question starts a process, and that costs more than a reading
MAX_BYTES = 8 << 20


def parse(report: bytes) -> dict[str, Users]:
    """Process numbers by device; the tool tells no utilisation.  Raises ``ReadError``."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(report[:MAX_BYTES])
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ReadError("nvidia-smi does not tell which processes use a GPU") from error
    found: dict[str, Users] = {}
    for number, gpu in enumerate(root.findall("gpu")):
        processes = gpu.find("processes")
        if processes is None or (processes.text or "").strip():  # N/A
            continue
        named = Gpu(uuid=gpu.findtext("uuid", ""), pci=gpu.get("id", ""), index=str(number))
        pids = [(one.findtext("pid") or "").strip() for one in processes.findall("process_info")]
        found[named.device] = {int(pid): None for pid in pids if pid.isascii() and pid.isdigit() and len(pid) < 20}
    return found


@define
class SmiUsers:
    """Asks nvidia-smi now and then, and answers with the latest."""

    command: list[str]
    clock: Callable[[], float] = time.monotonic
    _told: dict[str, Users] = field(factory=dict, init=False)
    _why: str = field(default="", init=False)
    _asked_s: float | None = field(default=None, init=False)

    def users(self) -> dict[str, Users]:
        """Raises ``ReadError`` as long as the last question had no answer."""
        now_s = self.clock()
        if self._asked_s is None or now_s - self._asked_s >= AGAIN_S:
            self._asked_s = now_s
            self._told, self._why = {}, ""
            try:
                self._told = self._ask()
            except ReadError as error:
                self._why = str(error)
        if self._why:
            raise ReadError(self._why)
        return self._told

    def _ask(self) -> dict[str, Users]:
        if not numbers_mean_something():
            raise ReadError(IN_A_CONTAINER)
        try:
            done = subprocess.run(
                [*self.command, "-q", "-x", "-d", "PIDS"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False, start_new_session=True,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ReadError("nvidia-smi does not tell which processes use a GPU") from error
        return parse(done.stdout)
