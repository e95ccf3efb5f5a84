"""Pictures as phones, scanners and drawing programs write them: right, or refused by name."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmexit_tools.base.errors import ToolError
from mmexit_tools.base.readers import picture_bytes, read_picture

Y, X = np.mgrid[0:24, 0:32]
GREY = ((X * 7 + Y * 3) % 256).astype(np.uint8)
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], -1)
TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90",
         7: "TRANSVERSE", 8: "ROTATE_270"}


def saved(path, image, **options):
    image.save(path, **options)
    return read_picture(path)


def test_sixteen_bits_are_scaled(tmp_path):
    deep = GREY.astype(np.uint16) * 257
    assert np.array_equal(saved(tmp_path / "a.png", Image.fromarray(deep)), GREY)
    (tmp_path / "a.pgm").write_bytes(b"P5\n# scanner\n32 24 65535\n" + deep.astype(">u2").tobytes())
    assert np.array_equal(read_picture(tmp_path / "a.pgm"), GREY)
    (tmp_path / "b.pnm").write_bytes(b"P6 32 24 1023\n" + (COLOUR.astype(np.uint16) * 4).astype(">u2").tobytes())
    assert np.abs(read_picture(tmp_path / "b.pnm").astype(int) - COLOUR).max() <= 1


def test_a_smaller_largest_value_is_rounded_as_the_daemon_rounds_it(tmp_path):
    for largest in (1, 6, 100, 254):
        values = np.arange(largest + 2, dtype=np.uint8)[None]  # the last lies beyond the range
        (tmp_path / "a.pgm").write_bytes(b"P5\n%d 1\n%d\n" % (values.size, largest) + values.tobytes())
        wanted = [(min(v, largest) * 255 + largest // 2) // largest for v in range(largest + 2)]
        assert read_picture(tmp_path / "a.pgm")[0].tolist() == wanted


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_pictures_are_turned_upright(tmp_path, orientation, ending):
    exif = Image.Exif()
    exif[0x112] = orientation
    stored = Image.fromarray(COLOUR).transpose(Image.Transpose[TURNS[orientation]])
    got = saved(tmp_path / f"a.{ending}", stored, exif=exif, **({"quality": 98} if ending == "jpg" else {}))
    assert got.shape == COLOUR.shape
    assert np.abs(got.astype(int) - COLOUR).mean() < (8 if ending == "jpg" else 0.001)


def test_palettes_and_one_bit(tmp_path):
    few = Image.fromarray((COLOUR // 64) * 64).quantize(64)
    assert np.array_equal(saved(tmp_path / "p.png", few), np.asarray(few.convert("RGB")))
    grey = Image.fromarray(GREY).convert("P")
    assert np.array_equal(saved(tmp_path / "g.png", grey), GREY)
    bits = Image.fromarray(GREY).convert("1")
    assert set(np.unique(saved(tmp_path / "b.png", bits))) == {0, 255}


def test_alpha_that_hides_nothing_is_left_out_and_any_other_refused(tmp_path):
    full = np.dstack([COLOUR, np.full(GREY.shape, 255, np.uint8)])
    assert np.array_equal(saved(tmp_path / "a.png", Image.fromarray(full)), COLOUR)
    assert np.array_equal(saved(tmp_path / "l.png", Image.fromarray(np.dstack([GREY, full[..., 3]]), "LA")), GREY)
    full[3, 4, 3] = 0
    hidden = {"rgba": (Image.fromarray(full), {}), "la": (Image.fromarray(full[..., 2:]), {}),
              "p": (Image.fromarray(GREY).convert("P"), {"transparency": 7})}
    for name, (image, options) in hidden.items():
        with pytest.raises(ToolError, match="has transparent pixels"):
            saved(tmp_path / f"{name}.png", image, **options)


def test_cmyk_comes_as_rgb(tmp_path):
    got = saved(tmp_path / "a.jpg", Image.fromarray(COLOUR).convert("CMYK"), quality=98)
    assert np.abs(got.astype(int) - COLOUR).mean() < 8


def test_several_pictures_in_one_file_are_refused(tmp_path):
    pages = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    with pytest.raises(ToolError, match=r"a\.png: 2 pictures in one file"):
        saved(tmp_path / "a.png", pages[0], save_all=True, append_images=pages[1:])
    # But of a phone's JPEG with a preview behind it, the first is the picture.
    pages[0].save(tmp_path / "a.mpo", format="MPO", save_all=True, append_images=pages[1:])
    (tmp_path / "a.mpo").rename(tmp_path / "a.jpg")
    assert np.abs(read_picture(tmp_path / "a.jpg").astype(int) - COLOUR).mean() < 20


@pytest.mark.parametrize(("name", "content", "said"), [
    ("a.pgm", picture_bytes(GREY)[:-9], "cut short"),
    ("b.pgm", b"P5\n0 4\n255\n", "damaged: a picture of 0 x 4 pixels"),
    ("c.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "not a readable picture"),
])
def test_what_is_damaged_is_named(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ToolError, match=said):
        read_picture(tmp_path / name)


def test_numbers_that_are_no_brightness_are_refused(tmp_path):
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ToolError, match="pixels of the kind F are not read"):
        read_picture(tmp_path / "a.tif")


SIDE = 56
WIDE = ((np.mgrid[0:SIDE, 0:SIDE][0] * 911 + np.mgrid[0:SIDE, 0:SIDE][1] * 577) % 65536).astype(np.uint16)


def netpbm(kind: bytes, largest: int, note: bytes = b"") -> bytes:
    values = WIDE.astype(np.int64) * largest // 65535
    if kind == b"P6":
        values = np.stack([values, values[::-1], values.T], -1)
    body = values.astype(">u2" if largest > 255 else np.uint8).tobytes()
    return kind + b"\n" + note + b"%d %d\n%d\n" % (SIDE, SIDE, largest) + body


def pam(kind: str, largest: int = 255, alpha: int | None = None, note: bytes = b"") -> bytes:
    """netpbm's PAM; `alpha`: what the first pixel has of it, all others are opaque."""
    values = WIDE.astype(np.int64)[..., None] * largest // 65535
    if kind.startswith("RGB"):
        values = np.concatenate([values, values[::-1], values.transpose(1, 0, 2)], -1)
    if alpha is not None:
        opacity = np.full((SIDE, SIDE, 1), largest)
        opacity[0, 0] = alpha
        values = np.concatenate([values, opacity], -1)
    said = f"TUPLTYPE {kind}\n" if kind else ""
    head = f"WIDTH {SIDE}\nHEIGHT {SIDE}\nDEPTH {values.shape[-1]}\nMAXVAL {largest}\n{said}ENDHDR\n"
    return b"P7\n" + note + head.encode() + values.astype(">u2" if largest > 255 else np.uint8).tobytes()


PAMS = {
    "pam": pam("GRAYSCALE"), "pam-bare": pam(""), "pam-bits": pam("BLACKANDWHITE", 1), "pam-colour": pam("RGB"),
    "pam-deep": pam("RGB", 65535), "pam-10": pam("GRAYSCALE", 1023, note=b"# made by\n\n"),
    "pam-alpha": pam("GRAYSCALE_ALPHA", alpha=255), "pam-rgba": pam("RGB_ALPHA", 65535, alpha=65535)}
PLAIN = PAMS | {
    "grey": netpbm(b"P5", 255), "comments": netpbm(b"P5", 255, b"# GIMP\n#\n"), "dark": netpbm(b"P5", 100),
    "grey-16": netpbm(b"P5", 65535), "scanner-12": netpbm(b"P5", 4095), "just-16": netpbm(b"P5", 256),
    "colour": netpbm(b"P6", 255), "colour-16": netpbm(b"P6", 65535), "carriage-returns": netpbm(b"P5", 255).replace(
        b"P5\n", b"P5\r\n", 1), "more-behind": netpbm(b"P5", 255) + netpbm(b"P5", 255)}


def test_the_daemons_reader_takes_the_same_pixels(tmp_path, mmexitctl):
    """Each file beside a plain one of the pixels that the tools read: the same answers, to the last bit."""
    for name, content in PLAIN.items():
        (tmp_path / f"{name}.pnm").write_bytes(content)
        (tmp_path / f"{name}.tools.pnm").write_bytes(picture_bytes(read_picture(tmp_path / f"{name}.pnm")))
    files = [f"{n}{end}.pnm" for n in PLAIN for end in ("", ".tools")]
    (tmp_path / "m.csv").write_text("label,image\n" + "".join(f"7,{n}\n" for n in files))
    model = Path(__file__).parents[2] / "config/models/digits.safetensors"
    ended = subprocess.run([mmexitctl, "evaluate", "--model", model, "--manifest", tmp_path / "m.csv", "--policy",
                            "all", "--audit", "--json"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    windows = [w["exits"] for w in json.loads(ended.stdout)["windows"]]
    assert len(windows) == 2 * len(PLAIN)
    for name, daemons, tools in zip(PLAIN, windows[::2], windows[1::2], strict=True):
        assert daemons == tools, name
    assert windows[0] != windows[2 * list(PLAIN).index("dark")]  # the answers do tell pictures apart


def test_a_pam_is_the_picture_that_its_pgm_or_ppm_is(tmp_path):
    for pam_name, name in (("pam", "grey"), ("pam-colour", "colour"), ("pam-deep", "colour-16"),
                           ("pam-alpha", "grey"), ("pam-rgba", "colour-16"), ("pam-bare", "grey")):
        (tmp_path / "a.pam").write_bytes(PAMS[pam_name])
        (tmp_path / "a.pnm").write_bytes(PLAIN[name])
        assert np.array_equal(read_picture(tmp_path / "a.pam"), read_picture(tmp_path / "a.pnm")), pam_name


@pytest.mark.parametrize(("content", "said"), [
    (pam("RGB_ALPHA", alpha=254), "transparent pixels"), (pam("GRAYSCALE_ALPHA", alpha=0), "transparent pixels"),
    (pam("RGB").replace(b"RGB", b"CMY"), "a PAM of CMY"),
    (pam("GRAYSCALE").replace(b"GRAYSCALE", b"RGB"), "RGB of 1"),
    (pam("RGB").replace(b"TUPLTYPE RGB\n", b"").replace(b"DEPTH 3", b"DEPTH 2"),
     "a PAM of 2 channels without a name"),
    (pam("RGB")[:-1], "cut short"), (pam("RGB").replace(b"ENDHDR\n", b""), "picture header"),
    (pam("RGB").replace(b"MAXVAL 255\n", b""), "picture header"), (pam("RGB", note=b"#\n" * 2048), "picture header"),
    (pam("RGB").replace(b"P7\n", b"P7\nWIDTH x\n"), "picture header")])
def test_tools_and_daemon_refuse_the_same_pams(tmp_path, mmexitctl, content, said):
    (tmp_path / "a.pam").write_bytes(content)
    with pytest.raises(ToolError, match=rf"a\.pam: .*{said}"):
        read_picture(tmp_path / "a.pam")
    (tmp_path / "m.csv").write_text("label,image\n7,a.pam\n")
    model = Path(__file__).parents[2] / "config/models/digits.safetensors"
    ended = subprocess.run([mmexitctl, "evaluate", "--model", model, "--manifest", tmp_path / "m.csv", "--json"],
                           capture_output=True, text=True, check=False)
    assert ended.returncode == 65
    assert said in ended.stderr
