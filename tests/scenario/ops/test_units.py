"""What stands in ops/ holds: the systemd units, the list of packages, the scripts' manners."""
import pathlib
import re
import subprocess

from kit import ROOT

OPS = ROOT / "ops"
EXPOSURE_MAX = 1.5


def fleet():
    table = (ROOT / "tools/fleet_table.h").read_text()
    return re.findall(r'^X\((\w+), .*, 1\)$', table, re.M)


def test_unit_is_sandboxed():
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                           OPS / "systemd/usher@.service"], text=True, capture_output=True,
                          check=False)
    level = re.search(r"Overall exposure level .*: ([0-9.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert float(level.group(1)) <= EXPOSURE_MAX


def test_unit_and_exit_codes():
    unit = (OPS / "systemd/usher@.service").read_text()
    for line in ("Type=notify", "RestartPreventExitStatus=100", "Restart=always"):
        assert f"\n{line}\n" in unit


def test_target_starts_the_fleet():
    target = (OPS / "systemd/usher.target").read_text()
    assert re.findall(r"usher@(\w+)\.service", target) == fleet()


def test_packages_are_named_once():
    rows = [line.split() for line in (OPS / "packages").read_text().splitlines()
            if line and not line.startswith("#")]
    assert all(len(row) == 2 and row[0] in ("build", "run", "test") for row in rows)
    assert len({name for _, name in rows}) == len(rows)


def test_packages_cover_the_build():
    """Every library that CMake looks for comes from a package of the list."""
    cmake = (ROOT / "CMakeLists.txt").read_text() + (ROOT / "tests/CMakeLists.txt").read_text()
    listed = (OPS / "packages").read_text()
    for names in re.findall(r"pkg_check_modules\(\w+ REQUIRED IMPORTED_TARGET ([\w -]+)\)", cmake):
        for name in names.split():
            folder = subprocess.run(["pkg-config", "--variable=pcfiledir", name], text=True,
                                    capture_output=True, check=True).stdout.strip()
            owner = subprocess.run(["dpkg", "-S", f"{folder}/{name}.pc"], text=True,
                                   capture_output=True, check=True).stdout.split(":")[0]
            assert re.search(rf"^build {owner}$|^test {owner}$", listed, re.M), owner


def test_demo_refuses_what_it_does_not_know():
    done = subprocess.run([OPS / "demo", "--twice"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "usage" in done.stderr


def test_decisions_have_their_parts():
    pages = sorted(pathlib.Path(OPS / "decisions").glob("[0-9][0-9][0-9][0-9]-*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text()
        for part in ("Context", "Choice", "Price"):
            assert f"**{part}.**" in text, f"{page.name}: {part}"
