"""AMD's boards tell how busy they are, in files of the amdgpu driver; their model uses it sample by sample."""

from __future__ import annotations

from pathlib import Path

import pytest
from wattbook import Busy, Chip, Host, ReadError, Unavailable
from wattbook_tdp import measure
from wattbook_tdp.amdgpu import offers

SLOT = "0000:c1:00.0"
BOARD = Chip(name="AMD Instinct MI210", device=f"gpu:{SLOT}", power_limit_w=300.0)
HOST = Host(os="linux", gpus=(BOARD, Chip(name="NVIDIA A2", device="gpu:GPU-aaaaaaaa-0000-4000-8000-000000000001")))


def a_board(folder: Path, percent: str) -> Path:
    file = folder / SLOT / "gpu_busy_percent"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(percent)
    return file


def test_a_board_tells_how_busy_it_is(tmp_path: Path) -> None:
    a_board(tmp_path, "40\n")
    (meter,) = offers(HOST, str(tmp_path))
    domains = meter.probe()
    assert domains is not None
    assert [domain.address for domain in domains] == [f"gpu:{SLOT}/busy"]
    with meter.open() as session:
        (item,) = session.read()
    assert isinstance(item, Busy)
    assert item.share == 0.4


@pytest.mark.parametrize("text", ["", "busy", "-1", "101", "9" * 30, "4" * 10_000])
def test_what_is_no_percentage_is_no_figure(tmp_path: Path, text: str) -> None:
    a_board(tmp_path, text)
    (meter,) = offers(HOST, str(tmp_path))
    with pytest.raises(Unavailable):
        meter.probe()


def test_a_board_that_falls_asleep_is_a_bad_poll(tmp_path: Path) -> None:
    file = a_board(tmp_path, "40")
    (meter,) = offers(HOST, str(tmp_path))
    with meter.open() as session:
        assert list(session.read())
        file.unlink()
        with pytest.raises(ReadError):
            list(session.read())


def test_a_machine_without_such_a_board_is_offered_nothing(tmp_path: Path) -> None:
    assert list(offers(Host(os="linux"), str(tmp_path))) == []
    assert list(measure(host=Host(os="darwin", gpus=(BOARD,)), config=None)) == []
    assert list(measure(host=Host(os="linux"), config=None)) == []
