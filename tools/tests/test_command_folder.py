"""A folder of commands as a user would bring it: whole groups, the sets' own files, nobody in both folders."""

import pytest
from conftest import run_command

from mmexit_tools.sources import command_folder


@pytest.fixture
def sets(tmp_path):
    data = tmp_path / "data"
    words, photos = ["path,label,spoken_word,speaker"], ["path,digit,signer"]
    for label in ("stop", "go", "left", "_unknown_"):
        for speaker in range(12):
            words.append(f"{label}_{speaker}.flac,{label},{label},s{speaker}")
    for signer in range(8):
        for digit in range(10):
            photos.append(f"{digit}_{signer}.JPG,{digit},h{signer}")
    rooms = ["path,kind,sign", "room1.jpg,room,", "room2.jpg,room,", "hand.jpg,hands,3"]
    for name, rows in (("gsc-commands", words), ("sign-digits", photos), ("rooms-photos", rooms)):
        (data / name).mkdir(parents=True)
        (data / name / "index.csv").write_text("\n".join(rows) + "\n")
        for row in rows[1:]:
            (data / name / row.split(",")[0]).write_bytes(row.encode())
    return data


def test_windows_are_whole_and_nobody_is_in_both_folders(sets, tmp_path, monkeypatch):
    monkeypatch.setattr(command_folder, "COUNTS", {"stop": 4, "go": 3, "left": 4, "none": 5})
    out, unseen = tmp_path / "mine", tmp_path / "others"
    ended = run_command(command_folder, "--data", sets, "--out", out, "--unseen", unseen)
    assert ended.returncode == 0, ended.stderr
    assert "16 windows" in ended.stdout and "5 none" in ended.stdout
    people = []
    for folder in (out, unseen):
        sounds = sorted(folder.glob("*/*.flac"))
        assert sounds
        people.append(set())
        for sound in sounds:
            picture, label = sound.with_suffix(".jpg"), sound.parent.name
            heard, _, _, speaker = sound.read_text().split(",")[:4]
            path, kind, sign = picture.read_text().split(",")[:3]
            assert heard.startswith("_unknown_" if label == "none" else label)
            if label == "none":
                assert path.startswith("room") and sign == ""
            else:
                assert kind == command_folder.SIGNS[label]
            people[-1] |= {speaker, sign} - {""}
    assert not people[0] & people[1]
    again = run_command(command_folder, "--data", sets, "--out", out)
    assert again.returncode != 0 and "is there already" in again.stderr


def test_too_few_are_refused(sets, tmp_path):
    ended = run_command(command_folder, "--data", sets, "--out", tmp_path / "mine")
    assert ended.returncode == 66 and not (tmp_path / "mine").exists()
