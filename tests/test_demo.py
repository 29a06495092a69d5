"""``make demo`` with and without the files that it tries to get, in a made virtual environment."""

import shutil
import subprocess

import pytest
from rigs.paths import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")

GETS_FACES = "weights --download face_landmarker"
GETS_VOICES = "weights --download voice_activity"
GETS_KINDS = "weights --download expression_classifier"
GETS = [GETS_FACES, GETS_VOICES, GETS_KINDS]
REPLAYED = "replay sample -o {out}/demo --video {out}/demo.mp4"


def demo(tmp_path, has_facemesh, fails="none"):
    """Output of ``make demo``, and what ``reactface`` was called with. has_facemesh: the package
    index has it."""
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
    (tmp_path / "venv" / ".robot").touch()
    command = ["make", "-C", str(ROOT), "demo", f"VENV={tmp_path}/venv", f"OUT={out}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done, (tmp_path / "calls").read_text().splitlines(), REPLAYED.format(out=out)


def test_it_gets_the_models_and_replays(tmp_path):
    done, calls, replayed = demo(tmp_path, has_facemesh=False)
    assert calls == [*GETS, replayed]
    assert "goes on" not in done.stdout


@pytest.mark.parametrize(
    ("has_facemesh", "said", "setting"),
    [
        (True, "The demo goes on with FaceMesh, which", " --set perception.landmarker="),
        (False, "The demo goes on by voice only: ", " --set perception.max_faces=0"),
    ],
)
def test_without_the_model_it_goes_on_and_says_how_in_one_line(
    tmp_path, has_facemesh, said, setting
):
    done, calls, replayed = demo(tmp_path, has_facemesh, fails="face_landmarker")
    assert calls == [*GETS, replayed + setting]
    assert [said in line for line in done.stdout.splitlines()].count(True) == 1
    assert "cannot reach it" in done.stderr


@pytest.mark.parametrize(
    ("model", "how"),
    [
        ("voice_activity", "by loudness: it takes loud noise for a voice."),
        ("expression_classifier", "by landmarks alone: it takes crying for a smile."),
    ],
)
def test_without_a_small_model_it_goes_on_without_it(tmp_path, model, how):
    done, calls, replayed = demo(tmp_path, has_facemesh=True, fails=model)
    assert calls == [*GETS, f"{replayed} --set perception.{model}="]
    said = [line for line in done.stdout.splitlines() if "goes on" in line]
    assert said == [f"The demo goes on {how}"]
    assert "cannot reach it" in done.stderr
