"""From an address to a name: real programs, built and stripped in every way that is usual."""

from __future__ import annotations

import contextlib
import ctypes
import json
import lzma
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sigscope.kernel.symbols.elf import Elf
from sigscope.kernel.symbols.elf_source import BytesSource
from sigscope.model.location import ANONYMOUS, STRIPPED
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.build import TARGETS, compiler
from tests.harness.places import looked_at, place
from tests.harness.targets import Target

SOURCE = TARGETS / "handler_places.c"
Started = Callable[..., Target]


def compiled(where: Path, *flags: str) -> Path:
    """The target, built with these flags."""
    gcc = compiler()
    if gcc is None:
        pytest.skip("no C compiler for the targets: apt-get install gcc libc6-dev")
    program = where / "handler_places"
    subprocess.run([gcc, "-O1", "-o", str(program), str(SOURCE), *flags], check=True, timeout=120)
    return program


def strip(program: Path, *how: str) -> Path:
    subprocess.run(["strip", *how, str(program)], check=True)
    return program


def objcopy(*words: str | Path) -> None:
    subprocess.run(["objcopy", *map(str, words)], check=True)


@pytest.fixture
def started() -> Iterator[Started]:
    with contextlib.ExitStack() as stack:

        def start(program: Path, *before: str) -> Target:
            command: list[str | bytes] = [*before, str(program)]
            return stack.enter_context(Target("handler_places", command, {}))

        yield start


KINDS = {
    "pie": ("-pie", "-fPIE"),
    "fixed": ("-no-pie", "-fno-pie"),
    "static": ("-static",),
    "static-pie": ("-static-pie", "-fPIE"),
    "prelinked": ("-pie", "-fPIE", "-Wl,-Ttext-segment=0x40000000"),
    "separate code": ("-pie", "-fPIE", "-Wl,-z,separate-code"),
    "one segment": ("-pie", "-fPIE", "-Wl,-z,noseparate-code"),
}


@pytest.mark.parametrize("flags", KINDS.values(), ids=KINDS.keys())
def test_a_function_is_named_wherever_it_was_loaded(
    tmp_path: Path, started: Started, flags: tuple[str, ...]
) -> None:
    program = compiled(tmp_path, *flags)
    target = started(program)
    own, inside = (place(target.pid, target.truth[name]) for name in ("own", "inside"))
    assert (own.function, own.into, own.table) == ("own_handler", 0, "symtab")
    assert inside.text == "own_handler+0x4"
    assert (own.module, own.offset) == (str(program), _nm(program))


def _nm(program: Path) -> int:
    """Where binutils say that it is."""
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    match = re.search(r"^([0-9a-f]+) t own_handler$", listing, re.MULTILINE)
    assert match is not None
    return int(match[1], 16)


def test_other_places_are_what_they_are(tmp_path: Path, started: Started) -> None:
    target = started(compiled(tmp_path))
    truth = target.truth
    assert place(target.pid, truth["library"]).symbol == "abort"
    assert "libc" in place(target.pid, truth["library"]).module_name
    made = place(target.pid, truth["made"])
    assert (made.why, made.module, made.function) == (ANONYMOUS, "", "")
    assert made.text == hex(truth["made"])
    mapped = place(target.pid, truth["mapped"])
    assert mapped.why.startswith("JIT or generated code: the file")
    assert mapped.text == f"{truth['mapped']:#x}, in /memfd:generated"
    assert "no memory is mapped" in place(target.pid, truth["nowhere"]).why
    assert "not executable" in place(target.pid, truth["data"]).why
    assert not place(target.pid, truth["data"]).function


def test_the_kernels_own_code_is_asked_too(tmp_path: Path, started: Started) -> None:
    pid = started(compiled(tmp_path)).pid
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    vdso = next((line for line in lines if line.endswith("[vdso]")), None)
    if vdso is None:
        pytest.skip("this kernel maps no vdso")
    start, end = (int(part, 16) for part in vdso.split()[0].split("-"))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        data = os.pread(memory.fileno(), end - start, start)
    elf = Elf(BytesSource(data))
    table = elf.section(".dynsym")
    assert table is not None
    entries = [elf.in_section(table, at, 24) for at in range(24, table.size, 24)]
    values = [int.from_bytes(entry[8:16], "little") for entry in entries]
    begin = next(value for value in values if value)
    found = place(pid, start + begin)
    assert found.module == "[vdso]"
    assert found.function.startswith(("__vdso", "__kernel", "clock", "gettimeofday", "time", "get"))


def test_a_stripped_program_has_an_offset_and_no_name(tmp_path: Path, started: Started) -> None:
    program = compiled(tmp_path)
    offset = _nm(program)
    target = started(strip(program))
    found = place(target.pid, target.truth["own"])
    assert found.why == STRIPPED
    assert found.text == f"{program}+{offset:#x}"
    assert (found.function, found.symbol) == ("", "")


def test_names_of_a_debug_file_beside_it(tmp_path: Path, started: Started) -> None:
    """As .gnu_debuglink says; a file with another checksum is not believed."""
    program = compiled(tmp_path, "-Wl,--build-id=none")
    (tmp_path / ".debug").mkdir()
    names = tmp_path / ".debug" / "names.debug"
    objcopy("--only-keep-debug", program, names)
    strip(program)
    objcopy(f"--add-gnu-debuglink={names}", program)
    target = started(program)
    found = place(target.pid, target.truth["own"])
    assert (found.function, found.table) == ("own_handler", str(names))
    with open(names, "ab") as file:
        file.write(b"another")
    assert place(target.pid, target.truth["own"]).why == STRIPPED


def test_names_of_the_small_table_that_is_packed_into_it(tmp_path: Path, started: Started) -> None:
    program = compiled(tmp_path)
    names = tmp_path / "names"
    objcopy("--only-keep-debug", program, names)
    (tmp_path / "names.xz").write_bytes(lzma.compress(names.read_bytes()))
    strip(program)
    objcopy(f"--add-section=.gnu_debugdata={tmp_path / 'names.xz'}", program)
    target = started(program)
    found = place(target.pid, target.truth["own"])
    assert (found.function, found.table) == ("own_handler", "gnu_debugdata")


def test_a_damaged_packed_table_is_told(tmp_path: Path, started: Started) -> None:
    program = compiled(tmp_path)
    (tmp_path / "names.xz").write_bytes(lzma.compress(b"x" * 100)[:-9])
    strip(program)
    objcopy(f"--add-section=.gnu_debugdata={tmp_path / 'names.xz'}", program)
    target = started(program)
    found = place(target.pid, target.truth["own"])
    assert found.why.startswith(f"{STRIPPED}; .gnu_debugdata: ")


@pytest.fixture
def jail(tmp_path: Path) -> Path:
    if os.geteuid() != 0:
        pytest.skip("chroot needs root: sudo scripts/test")
    (tmp_path / "jail").mkdir()
    return tmp_path / "jail"


def test_a_debug_file_is_found_by_build_id_below_the_programs_own_root(
    jail: Path, started: Started
) -> None:
    program = compiled(jail, "-static")
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True).stdout
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes)
    assert build_id is not None
    folder = jail / "usr/lib/debug/.build-id" / build_id[1][:2]
    folder.mkdir(parents=True)
    objcopy("--only-keep-debug", program, folder / f"{build_id[1][2:]}.debug")
    strip(program)
    target = started(Path("/handler_places"), "chroot", str(jail))
    found = place(target.pid, target.truth["own"])
    assert found.function == "own_handler"
    assert found.table == f"/usr/lib/debug/.build-id/{build_id[1][:2]}/{build_id[1][2:]}.debug"


def test_a_deleted_program_still_has_its_names(tmp_path: Path, started: Started) -> None:
    program = compiled(tmp_path)
    target = started(program)
    program.unlink()
    found = place(target.pid, target.truth["own"])
    if os.geteuid() == 0:
        assert found.function == "own_handler"
    else:
        assert not found.function
        assert "run sigscope as root" in found.why


def test_the_file_that_took_its_place_is_not_asked(tmp_path: Path, started: Started) -> None:
    """The new one has another function there."""
    program = compiled(tmp_path)
    target = started(program)
    (tmp_path / "new").mkdir()
    source = tmp_path / "new" / "other.c"
    source.write_text(SOURCE.read_text().replace("own_handler", "wrong_name"))
    gcc = compiler()
    assert gcc is not None
    include = f"-I{TARGETS}"
    subprocess.run([gcc, "-O1", include, "-o", tmp_path / "new/program", source], check=True)
    os.replace(tmp_path / "new/program", program)
    found = place(target.pid, target.truth["own"])
    assert found.function == ("own_handler" if os.geteuid() == 0 else "")


def test_a_file_of_the_host_at_the_same_path_is_not_asked(tmp_path: Path) -> None:
    """The program lies on a file system that only its own mount namespace has."""
    if os.geteuid() != 0:
        pytest.skip("unshare needs root: sudo scripts/test")
    program = compiled(tmp_path)
    kept = shutil.copy(program, tmp_path / "kept")
    source = tmp_path / "other.c"
    source.write_text(SOURCE.read_text().replace("own_handler", "wrong_name"))
    gcc = compiler()
    assert gcc is not None
    where = tmp_path / "here"
    where.mkdir()
    wrong = [gcc, "-O1", f"-I{TARGETS}", "-o", str(where / "program"), str(source)]
    subprocess.run(wrong, check=True)
    script = f"mount -t tmpfs none {where} && cp {kept} {where}/program && exec {where}/program"
    ours, theirs = os.pipe()
    command = ["unshare", "-m", "sh", "-c", script]
    environment = {**os.environ, "READY_FD": str(theirs)}
    with subprocess.Popen(command, pass_fds=(theirs,), env=environment) as child:
        os.close(theirs)
        try:
            with os.fdopen(ours) as ready:
                truth = json.loads(ready.readline())
            found = place(child.pid, truth["own"])
            assert (found.function, found.module) == ("own_handler", f"{where}/program")
        finally:
            child.kill()


def test_without_root_the_file_is_opened_by_its_path_if_it_is_the_same() -> None:
    """In a child that has given its capabilities up, about itself."""
    if os.geteuid() != 0:
        pytest.skip("another user is needed: sudo scripts/test")
    ours, theirs = os.pipe()
    address = ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value
    assert address is not None
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            found = place(os.getpid(), address)
            os.write(theirs, json.dumps([found.symbol, found.why]).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        assert json.loads(answer.read()) == ["abort", ""]
    os.waitpid(child, 0)


SMALL = """
void own_handler(int number) { static volatile int last; last = number; }
void _start(void)
{
    for (;;)
        __asm__ volatile("int $0x80" : : "a"(29)); /* pause */
}
"""
"""Needs no C library, of which there may be none for 32 bits."""


def test_a_program_of_32_bits(tmp_path: Path) -> None:
    gcc = compiler()
    if gcc is None or os.uname().machine != "x86_64":
        pytest.skip("gcc of x86-64 builds it: apt-get install gcc")
    (tmp_path / "small.c").write_text(SMALL)
    program = tmp_path / "small"
    flags = "-m32 -nostdlib -static -ffreestanding -fno-pie -no-pie -fno-stack-protector".split()
    built = subprocess.run([gcc, *flags, "-o", program, tmp_path / "small.c"], capture_output=True)
    if built.returncode:
        pytest.skip("this gcc builds nothing for 32 bits")
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    match = re.search(r"^([0-9a-f]+) T own_handler$", listing, re.MULTILINE)
    assert match is not None
    try:
        child = subprocess.Popen([program])
    except OSError:
        pytest.skip("this kernel runs no programs of 32 bits")
    with child:
        try:
            proc.eventually(lambda: proc.name(child.pid) == "small")
            found = place(child.pid, int(match[1], 16) + 3)
            assert found.text == "own_handler+0x3"
        finally:
            child.kill()


def test_a_mangled_name_is_shown_as_it_was_written(tmp_path: Path) -> None:
    gxx = shutil.which("g++")
    if gxx is None:
        pytest.skip("no C++ compiler: apt-get install g++")
    source = tmp_path / "lambda.cc"
    source.write_text(
        "#include <csignal>\n#include <cstdio>\n#include <unistd.h>\n"
        'namespace service { struct Worker { static void stop(int) { std::puts(""); } }; }\n'
        "int main() {\n"
        '  auto made = +[](int number) { std::printf("%d", number); };\n'
        "  auto named = &service::Worker::stop;\n"
        '  std::printf("[%lu, %lu]\\n", (unsigned long)made, (unsigned long)named);\n'
        "  std::fflush(stdout);\n"
        "  for (;;) pause();\n}\n"
    )
    program = tmp_path / "lambda"
    subprocess.run([gxx, "-std=c++17", "-O1", "-o", program, source], check=True, timeout=120)
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            made, named = json.loads(child.stdout.readline())
            assert place(child.pid, named).function == "service::Worker::stop(int)"
            assert "main" in place(child.pid, made).function  # a lambda keeps its symbol
            assert place(child.pid, named).symbol == "_ZN7service6Worker4stopEi"
        finally:
            child.kill()


def test_a_dead_leader_has_left_its_memory_to_the_others(target: TARGET_FIXTURE) -> None:
    child = target("handler_places", "dead")
    assert proc.state(child.pid) == "Z"
    found = place(child.pid, child.truth["own"])
    assert found.function == "own_handler"


def test_a_process_that_ended_meanwhile_is_no_error(tmp_path: Path, started: Started) -> None:
    target = started(compiled(tmp_path))
    process = looked_at(target.pid)
    target.stop()
    proc.wait_dead(target.pid)
    assert process.depth is not None
    assert process.depth.code == ()
