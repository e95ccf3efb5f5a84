from mmexit_tools.sources.robot_data import CLASSES, NONE, split_of
from mmexit_tools.tasks import drawn_people, robot_command
from mmexit_tools.tasks.drawn_people import Noted


def test_a_list_notes_whose_item_was_taken():
    log: dict[str, str] = {}
    words = Noted(["ja", "nein"], ["anna", "ben"], "speaker", log)
    assert words[1] == "nein" and log == {"speaker": "ben"} and len(words) == 2 and words


def test_the_windows_are_the_tasks_own_with_people(shared_data):
    ours = list(drawn_people.windows(shared_data, "validation", 30, 5))
    theirs = list(robot_command.windows(shared_data, "validation", 30, 5))
    for a, b in zip(ours, theirs, strict=True):
        assert a.label == b.label and (a.inputs["audio"].pcm == b.inputs["audio"].pcm).all()
        assert (a.inputs["image"].pixels == b.inputs["image"].pixels).all()
        assert ("signer" in a.groups) == (a.seen["image"] != NONE)
        if a.seen["audio"] != NONE:
            assert split_of("speaker", a.groups["speaker"]) == "validation"
    assert {w.label for w in ours} <= set(CLASSES)
