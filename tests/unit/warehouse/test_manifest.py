import random
from pathlib import Path

import pytest

from ghala.contracts.errors import DataRejected
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import verify_landing
from ghala.warehouse.manifest import verify_manifest, write_durably, write_manifest

from .conftest import Shop


def test_a_bit_flipped_anywhere_in_a_landed_file_is_named(shop: Shop) -> None:
    shop.sell(*(f"r{n},1,00123,2,10.50,2024-01-05" for n in range(200)))
    shop.land()
    files = sorted((shop.workspace.landing / "shop").iterdir())
    draw = random.Random(20_240_101)  # noqa: S311 - places, not secrets
    with open_warehouse(shop.workspace) as warehouse:
        for _ in range(100):
            file = draw.choice(files)
            whole = file.read_bytes()
            flipped = bytearray(whole)
            flipped[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
            file.write_bytes(flipped)
            [wrong] = verify_landing(shop.workspace, warehouse)
            assert str(file) in wrong
            file.write_bytes(whole)
        assert verify_landing(shop.workspace, warehouse) == []


@pytest.mark.parametrize("text", ["", "{", "7", "[]", '{"a.parquet": 1}'])
def test_a_manifest_that_is_not_what_was_written_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    write_manifest(tmp_path)
    verify_manifest(tmp_path)
    (tmp_path / "MANIFEST.json").write_text(text, encoding="utf-8")

    with pytest.raises(DataRejected, match="not what was written"):
        verify_manifest(tmp_path)


def test_a_text_is_put_into_place_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_durably(tmp_path / "pointer", "old")
    write_durably(tmp_path / "pointer", "new")

    assert [file.name for file in tmp_path.iterdir()] == ["pointer"]
    assert (tmp_path / "pointer").read_text(encoding="utf-8") == "new"
