"""The store: whole or absent, made once, noticed when damaged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kubehop.cluster import cache
from kubehop.errors import BuildError

HALF_AND_HANG = """
import sys, time
from pathlib import Path
from kubehop.cluster import cache
def hang(folder):
    (folder / "half").write_text("half")
    print("half-made", flush=True)
    time.sleep(60)
cache.make(cache.Entry(Path(sys.argv[1]), "thing", "1"), maker=hang, on_wait=print)
"""


def nobody_waits() -> None:
    """Fail when a lock is held that should be free."""
    pytest.fail("the lock was held")


@pytest.fixture
def entry(tmp_path: Path) -> cache.Entry:
    """Return an entry that does not exist yet."""
    return cache.Entry(tmp_path, "thing", "1")


@pytest.fixture
def made(entry: cache.Entry) -> cache.Entry:
    """Return an entry that is whole."""
    assert cache.make(entry, maker=lambda f: write(f), on_wait=nobody_waits)
    return entry


def write(folder: Path) -> None:
    """Make the files of the entry."""
    (folder / "file").write_text("content")


def test_an_entry_appears_whole(made: cache.Entry) -> None:
    """Its files are known afterwards."""
    assert cache.inspect(made) == "whole"
    assert made.files() == {"file": made.folder / "file"}


def test_a_whole_entry_is_not_made_again(made: cache.Entry) -> None:
    """The maker is not called."""
    assert not cache.make(made, maker=lambda _: pytest.fail("made again"), on_wait=nobody_waits)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "removed", "record", "empty record"])
def test_damage_is_noticed_and_mended(made: cache.Entry, damage: str) -> None:
    """Whatever is wrong with it, the entry is made anew; a byte flipped at the same size and time too."""
    file, record = made.folder / "file", made.folder / "entry.json"
    before = file.stat()
    if damage == "flipped":
        file.write_text("c0ntent")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif damage == "truncated":
        os.truncate(file, 3)
    elif damage == "removed":
        file.unlink()
    else:
        record.write_text("{}" if damage == "empty record" else "{half")
    assert cache.inspect(made) == "damaged"
    assert cache.make(made, maker=write, on_wait=nobody_waits)
    assert file.read_text() == "content"
    assert cache.inspect(made) == "whole"


def test_a_touched_file_is_read_and_found_whole(made: cache.Entry) -> None:
    """Other times alone are no damage, and the second look is quick again."""
    os.utime(made.folder / "file", ns=(0, 0))
    stale = (made.folder / "entry.json").read_bytes()
    assert cache.inspect(made) == "whole"
    assert (made.folder / "entry.json").read_bytes() != stale


def test_a_killed_maker_leaves_nothing(entry: cache.Entry) -> None:
    """After kill -9 half-way there is no entry, no lock, and the next run removes the left-over."""
    process = subprocess.Popen(
        [sys.executable, "-c", HALF_AND_HANG, str(entry.shelf)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half-made\n"
        process.send_signal(signal.SIGKILL)
    assert (entry.shelf / ".thing.building" / "half").exists()
    assert cache.inspect(entry) == "not built yet"
    assert cache.make(entry, maker=write, on_wait=nobody_waits)
    assert set(entry.files()) == {"file"}
    assert not (entry.shelf / ".thing.building").exists()


def test_a_failing_maker_leaves_nothing(entry: cache.Entry) -> None:
    """Its error comes through; no folder stays."""

    def fail(folder: Path) -> None:
        write(folder)
        message = "broken"
        raise BuildError(message)

    with pytest.raises(BuildError, match="broken"):
        cache.make(entry, maker=fail, on_wait=nobody_waits)
    assert [path.name for path in entry.shelf.iterdir()] == ["thing.lock"]


def test_two_makers_take_turns(entry: cache.Entry) -> None:
    """The second waits, says so, and finds the work done."""
    inside, waiting = threading.Event(), threading.Event()
    made: list[bool] = []

    def slow(folder: Path) -> None:
        inside.set()
        assert waiting.wait(10)
        write(folder)

    first = threading.Thread(target=lambda: made.append(cache.make(entry, maker=slow, on_wait=nobody_waits)))
    first.start()
    assert inside.wait(10)
    second = cache.make(entry, maker=lambda _: pytest.fail("made twice"), on_wait=waiting.set)
    first.join()
    assert (made, second) == ([True], False)


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error names the folder, the reason and the way out."""
    (tmp_path / "shelf").write_text("a file stands where the folder should be")
    entry = cache.Entry(tmp_path / "shelf", "thing", "1")
    with pytest.raises(
        BuildError, match=r"thing could not be stored in .*shelf.*XDG_CACHE_HOME.*kubehop build"
    ):
        cache.make(entry, maker=write, on_wait=nobody_waits)


def test_keys_keep_parts_apart() -> None:
    """The same characters, cut elsewhere, are another key."""
    assert cache.key_of("ab", "c") != cache.key_of("a", "bc")
    assert cache.key_of("a", b"b") == cache.key_of("a", "b")


def test_digests_are_remembered_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only changed files are read again, and a memo that is damaged is no harm."""
    one, other, memo = tmp_path / "one", tmp_path / "other", tmp_path / "memo.json"
    one.write_text("one")
    other.write_text("other")
    first = cache.digests([one, other], memo=memo)
    assert first == {one: cache.sha256(one), other: cache.sha256(other)}
    read: list[Path] = []
    real = cache.sha256
    monkeypatch.setattr(cache, "sha256", lambda path: read.append(path) or real(path))
    assert cache.digests([one, other], memo=memo) == first
    assert read == []
    other.write_text("0ther")
    assert cache.digests([one, other], memo=memo)[other] != first[other]
    assert read == [other]
    memo.write_text('{"' + str(one) + '": "nonsense"}')
    assert cache.digests([one], memo=memo) == {one: first[one]}
