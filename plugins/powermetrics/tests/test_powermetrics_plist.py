"""Property lists: documents in a stream, repeated keys, odd bytes and hostile XML."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from wattbook import ImportFailed
from wattbook_powermetrics.block import Block
from wattbook_powermetrics.documents import DOCUMENT_BYTES, documents
from wattbook_powermetrics.plist import blocks

Data = Callable[[str], bytes]
TOP = b'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict>'
END = b"</dict></plist>\n"
ELAPSED = b"<key>elapsed_ns</key><integer>2000000000</integer>"


def read(content: bytes) -> list[Block]:
    return list(blocks(io.BytesIO(content)))


def processor(inside: bytes) -> bytes:
    return TOP + ELAPSED + b"<key>processor</key><dict>" + inside + b"</dict>" + END


def test_a_document_gives_powers_date_and_length(data: Data) -> None:
    first = read(data("synthetic_m1pro_sonoma.plist"))[0]
    assert first.power_mw == {"cpu": 812.4, "gpu": 40.25, "ane": 0.0, "combined": 852.65}
    assert first.elapsed_s == 1.00431
    assert first.date == datetime(2026, 10, 6, 1, 0, 1, tzinfo=UTC)
    assert (first.hardware, first.build) == ("MacBookPro18,3", "23H311")


def test_documents_stand_between_nul_bytes(data: Data) -> None:
    content = data("synthetic_m1pro_sonoma.plist")
    assert content.count(b"\0") == 2
    assert len(read(content)) == 3


def test_documents_without_nul_bytes_are_told_apart_too(data: Data) -> None:
    content = data("synthetic_m1pro_sonoma.plist")
    assert [b.power_mw for b in read(content.replace(b"\0", b""))] == [b.power_mw for b in read(content)]


def test_it_does_not_matter_how_the_stream_is_chunked(data: Data) -> None:
    class OneByOne(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 1, 7))

    content = data("synthetic_m1pro_sonoma.plist")
    assert list(blocks(OneByOne(content))) == read(content)


def test_prompts_before_the_document_are_passed_over(data: Data) -> None:
    content = data("synthetic_m1pro_sonoma.plist")
    assert [b.power_mw for b in read(b"Password:\nSorry\n" + content)] == [b.power_mw for b in read(content)]


def test_a_cut_last_document_is_named(data: Data) -> None:
    found = read(data("synthetic_m1pro_sonoma_cut.plist"))
    assert [block.fault for block in found] == ["", "", "the document of this sample is cut"]


def test_a_cut_document_in_the_middle_costs_only_itself(data: Data) -> None:
    one, two, three = data("synthetic_m1pro_sonoma.plist").split(b"\0")
    found = read(one + b"\0" + two[:300] + three)
    assert [bool(block.fault) for block in found] == [False, True, False]


def test_up_to_macos_12_the_package_has_an_energy_and_no_power(data: Data) -> None:
    first = read(data("synthetic_m1_monterey.plist"))[0]
    assert first.power_mw["package"] == pytest.approx(1015 / 1.005)
    assert first.power_mw["dram"] == pytest.approx(121 / 1.005, rel=0.01)
    assert "combined" not in first.power_mw


def test_the_gpu_sampler_alone_has_an_energy_and_no_power(data: Data) -> None:
    (block,) = read(data("synthetic_gpu_only.plist"))
    assert block.power_mw == {"gpu": pytest.approx(18 / 5.004)}


def test_an_intel_mac_gives_watts(data: Data) -> None:
    assert read(data("synthetic_intel.plist"))[0].power_mw == {"intel": pytest.approx(8200)}


def test_joules_of_an_intel_mac_serve_where_watts_are_missing() -> None:
    (block,) = read(processor(b"<key>package_joules</key><real>8.5</real>"))
    assert block.power_mw == {"intel": pytest.approx(4250)}


def test_the_processor_is_believed_before_the_gpu_section() -> None:
    gpu = b"<key>gpu</key><dict><key>gpu_energy</key><integer>73491</integer></dict>"
    (block,) = read(TOP + gpu + ELAPSED + b"<key>processor</key><dict><key>gpu_power</key><real>5</real></dict>" + END)
    assert block.power_mw["gpu"] == 5


def test_of_a_repeated_key_in_the_gpu_section_the_first_counts() -> None:
    gpu = (
        b"<key>gpu</key><dict>"
        + b"".join(b"<key>gpu_energy</key><integer>%d</integer>" % n for n in (12, 13))
        + b"</dict>"
    )
    (block,) = read(TOP + ELAPSED + gpu + END)
    assert block.power_mw == {"gpu": 6.0}
    assert not block.fault


def test_two_values_of_one_power_are_a_fault() -> None:
    twice = b"<key>cpu_power</key><real>5</real><key>cpu_power</key><real>7</real>"
    assert read(processor(twice))[0].fault == "figures of two samples are mixed up in this one"
    assert not read(processor(twice.replace(b"7", b"5")))[0].fault


def test_active_clusters_make_a_sample_busy() -> None:
    cluster = b"<key>clusters</key><array><dict><key>idle_ratio</key><real>%s</real></dict></array>"
    down = cluster.replace(b"</dict>", b"<key>down_ratio</key><real>0.9</real></dict>")
    assert read(processor(cluster % b"0.98"))[0].busy is True
    assert read(processor(cluster % b"1"))[0].busy is False
    assert read(processor(down % b"0.1"))[0].busy is False
    assert read(processor(down % b"0.05"))[0].busy is True


@pytest.mark.parametrize("name", [b"caf\xe9 \xff\xfe", b"\x01\x02", b"R&D", b"a & b &amp; c"])
def test_a_process_may_be_named_by_any_bytes(name: bytes) -> None:
    tasks = b"<key>tasks</key><array><dict><key>name</key><string>" + name + b"</string></dict></array>"
    content = processor(b"<key>cpu_power</key><real>5</real>").replace(ELAPSED, ELAPSED + tasks)
    (block,) = read(content)
    assert block.power_mw == {"cpu": 5}
    assert not block.fault


@pytest.mark.parametrize("value", [b"many", b"", b"0x12", b"nine"])
def test_a_value_that_is_no_number_is_a_fault_and_not_zero(value: bytes) -> None:
    (block,) = read(processor(b"<key>cpu_power</key><real>" + value + b"</real>"))
    assert block.power_mw == {}
    assert block.fault.startswith("the document of this sample is damaged")


def test_declared_entities_are_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><plist><dict>&b;</dict></plist>'
    with pytest.raises(ImportFailed, match="declares XML entities"):
        read(bomb)


def test_external_entities_are_refused(data: Data) -> None:
    outside = b'<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/passwd">]><plist><dict>&a;</dict></plist>'
    with pytest.raises(ImportFailed, match="declares XML entities"):
        read(data("synthetic_m1pro_sonoma.plist") + outside)


def test_a_tower_of_elements_is_a_fault() -> None:
    (block,) = read(TOP + b"<dict>" * 100_000 + END)
    assert "nested too deeply" in block.fault


def test_an_endless_document_is_passed_over_in_bounded_memory(data: Data) -> None:
    class Endless:
        chunks = DOCUMENT_BYTES // 60_000 * 3

        def read(self, size: int) -> bytes:
            self.chunks -= 1
            if self.chunks > 0:
                return b"<plist>" + b"x" * 60_000
            return b"</plist>\0" + data("synthetic_gpu_only.plist") if self.chunks == 0 else b""

    first, second = documents(Endless())  # type: ignore[arg-type]
    assert (first.data, first.cut) == (b"", True)
    assert second.data.startswith(b"<?xml")
