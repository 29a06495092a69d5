"""``make demo`` with and without the files that it tries to get, in a made virtual environment."""

import shutil
import subprocess

import pytest
from rigs.paths import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")

GETS_FACES = "weights --download face_landmarker"
GETS_VOICES = "weights --download voice_activity"
REPLAYED = "replay sample -o {out}/demo --video {out}/demo.mp4"


def demo(tmp_path, has_facemesh, fails="none"):
    """Output of ``make demo``, and what ``reactface`` was called with."""
    folder, out = tmp_path / "venv" / "bin", tmp_path / "out"
    folder.mkdir(parents=True)
    scripts = {
        "reactface": f'echo "$*" >> {tmp_path}/calls\n'
        f'if [ "$3" = {fails} ]; then echo "cannot reach it" >&2; exit 2; fi\n',
        "python": f"exit {0 if has_facemesh else 1}\n",
    }
    for name, script in scripts.items():
        (folder / name).write_text("#!/bin/sh\n" + script)
        (folder / name).chmod(0o755)
    (tmp_path / "venv" / ".installed").touch()
    command = ["make", "-C", str(ROOT), "demo", f"VENV={tmp_path}/venv", f"OUT={out}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done, (tmp_path / "calls").read_text().splitlines(), REPLAYED.format(out=out)


def test_it_gets_the_models_and_replays(tmp_path):
    done, calls, replayed = demo(tmp_path, has_facemesh=False)
    assert calls == [GETS_FACES, GETS_VOICES, replayed]
    assert "goes on" not in done.stdout


@pytest.mark.parametrize(
    ("has_facemesh", "said", "setting"),
    [
        (True, "The demo goes on with FaceMesh alone.", " --set perception.landmarker="),
        (False, "The demo goes on by voice only: ", " --set perception.max_faces=0"),
    ],
)
def test_without_the_model_it_goes_on_and_says_how_in_one_line(
    tmp_path, has_facemesh, said, setting
):
    done, calls, replayed = demo(tmp_path, has_facemesh, fails="face_landmarker")
    assert calls == [GETS_FACES, GETS_VOICES, replayed + setting]
    assert [said in line for line in done.stdout.splitlines()].count(True) == 1
    assert "cannot reach it" in done.stderr


def test_without_the_voice_detector_it_goes_on_by_loudness(tmp_path):
    done, calls, replayed = demo(tmp_path, has_facemesh=True, fails="voice_activity")
    assert calls == [GETS_FACES, GETS_VOICES, replayed + " --set perception.voice_activity="]
    said = [line for line in done.stdout.splitlines() if "goes on" in line]
    assert said == ["The demo goes on by loudness: it takes loud noise for a voice."]
    assert "cannot reach it" in done.stderr
