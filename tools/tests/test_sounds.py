"""WAV as people's tools write it: the tools and the daemon's own reader take the same samples from the same bytes."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mmexit_tools.base.errors import ToolError
from mmexit_tools.base.readers import read_sound, wav_bytes
from mmexit_tools.base.sounds import read_pcm, sound_rate

ROOT = Path(__file__).parents[2]
RATE = 8000
PCM = (9000 * np.sin(np.arange(RATE) * 0.31) * np.hanning(RATE)).astype(np.int16)
PCM[:4] = -32768, 32767, -1, 255
GUID = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) & 1)


def fmt(tag: int, bits: int, channels: int = 1, rate: int = RATE, valid: int = 0) -> bytes:
    block = channels * -(-bits // 8)
    head = struct.pack("<HHIIHH", 0xFFFE if valid else tag, channels, rate, rate * block, block, bits)
    return chunk(b"fmt ", head + (struct.pack("<HHIH", 22, valid, 4, tag) + GUID if valid else b""))


def riff(*chunks: bytes, name: bytes = b"RIFF", size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return name + struct.pack("<I", len(body) if size is None else size) + body


def narrow(bits: int) -> bytes:
    """The samples in 24 or 32 bits, lowest bits set."""
    wide = (PCM.astype(np.int64) << (bits - 16)) + 77
    return wide.astype("<i8").view(np.uint8).reshape(-1, 8)[:, : bits // 8].tobytes()


DATA = PCM.astype("<i2").tobytes()
REAL = PCM / 32768
STEREO = np.stack([PCM, PCM[::-1]], 1)
DS64 = struct.pack("<QQQI", len(DATA) + 80, len(DATA), RATE, 0)
FILES = {
    "plain": riff(fmt(1, 16), chunk(b"data", DATA)),
    "pcm8": riff(fmt(1, 8), chunk(b"data", ((PCM >> 8) + 128).astype(np.uint8).tobytes())),
    "pcm24": riff(fmt(1, 24), chunk(b"data", narrow(24))),
    "pcm24-extensible": riff(fmt(1, 24, valid=24), chunk(b"data", narrow(24))),
    "pcm20-in-24": riff(fmt(1, 24, valid=20), chunk(b"data", narrow(24))),
    "pcm32": riff(fmt(1, 32), chunk(b"data", narrow(32))),
    "float32": riff(fmt(3, 32), chunk(b"fact", b"\0" * 4), chunk(b"data", REAL.astype("<f4").tobytes())),
    "float32-extensible": riff(fmt(3, 32, valid=32), chunk(b"data", REAL.astype("<f4").tobytes())),
    "float64-loud": riff(fmt(3, 64), chunk(b"data", (REAL * 3).astype("<f8").tobytes())),
    "stereo": riff(fmt(1, 16, 2), chunk(b"data", STEREO.astype("<i2").tobytes())),
    "stereo-float": riff(fmt(3, 32, 2), chunk(b"data", (STEREO / 32768).astype("<f4").tobytes())),
    "arecord-pipe": riff(fmt(1, 16), chunk(b"data", DATA, 0x80000000), size=0x80000024),
    "sox-pipe": riff(fmt(1, 16), chunk(b"data", DATA, 0x7FFFF000), size=0x7FFFF024),
    "ffmpeg-pipe": riff(fmt(1, 16), chunk(b"LIST", b"odd"), chunk(b"data", DATA, 0xFFFFFFFF) + b"\1",
                        size=0xFFFFFFFF),
    "killed": riff(fmt(1, 16), chunk(b"data", DATA, 0), size=8),
    "rf64": riff(chunk(b"ds64", DS64), fmt(1, 16), chunk(b"data", DATA, 0xFFFFFFFF), name=b"RF64", size=0xFFFFFFFF),
    "bw64": riff(chunk(b"ds64", DS64), fmt(1, 16), chunk(b"data", DATA), name=b"BW64", size=0xFFFFFFFF),
    "killed-pipe": riff(fmt(1, 16), chunk(b"data", DATA, 0), size=0xFFFFFFFF),
    "killed-with-size-0": riff(fmt(1, 16), chunk(b"data", DATA, 0), size=0),
    "arecord-2-GiB": riff(fmt(1, 16), chunk(b"data", DATA + b"\1", 0x7FFFFFFF)[:-1], size=0x7FFFFFFF),
    "rf64-killed": riff(chunk(b"ds64", b"\0" * 28), fmt(1, 16), chunk(b"data", DATA, 0xFFFFFFFF), name=b"RF64",
                        size=0xFFFFFFFF),
    "rf64-float": riff(chunk(b"ds64", struct.pack("<QQQI", 4 * RATE + 80, 4 * RATE, RATE, 0)), fmt(3, 32, valid=32),
                       chunk(b"data", REAL.astype("<f4").tobytes(), 0xFFFFFFFF), name=b"RF64", size=0xFFFFFFFF),
    "stereo-float64-extensible": riff(fmt(3, 64, 2, valid=64),
                                      chunk(b"data", (STEREO / 32768).astype("<f8").tobytes())),
    "list-before": riff(chunk(b"JUNK", b"\0" * 28), chunk(b"LIST", b"INFOISFT\5\0\0\0abcde\0"), fmt(1, 16),
                        chunk(b"bext", b"x" * 603), chunk(b"data", DATA)),
    "list-unpadded": riff(chunk(b"LIST", b"odd")[:-1], fmt(1, 16), chunk(b"note", b"odd")[:-1], chunk(b"data", DATA)),
    "list-padded-oddly": riff(chunk(b"LIST", b"odd")[:-1] + b"x", fmt(1, 16), chunk(b"data", DATA)),
    "chunk-behind": riff(fmt(1, 16), chunk(b"data", DATA), chunk(b"id3 ", b"tag")),
}
BROKEN = {
    "cut": (riff(fmt(1, 16), chunk(b"data", DATA))[:-100], "cut short"),
    "empty": (riff(fmt(1, 16), chunk(b"data", b"")), "no samples"),
    "no-data": (riff(fmt(1, 16)), "no data chunk"),
    "no-format": (riff(chunk(b"data", DATA)), "data before its format"),
    "many": (riff(fmt(1, 16, 6), chunk(b"data", DATA * 3)), "sound with 6 channels"),
    "adpcm": (riff(fmt(2, 4), chunk(b"data", DATA)), "ADPCM is not read"),
    "mu-law": (riff(fmt(7, 8), chunk(b"data", DATA)), "mu-law is not read"),
    "a-law": (riff(fmt(6, 8), chunk(b"data", DATA)), "A-law is not read"),
    "a-law-extensible": (riff(fmt(6, 8, valid=8), chunk(b"data", DATA)), "A-law is not read"),
    "24-in-4": (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 4 * RATE, 4, 24)), chunk(b"data", DATA)),
                "24-bit PCM in 4 bytes is not read"),
    "rf64-cut": (riff(chunk(b"ds64", struct.pack("<QQQI", 0, len(DATA) + 2, RATE, 0)), fmt(1, 16),
                      chunk(b"data", DATA, 0xFFFFFFFF), name=b"RF64", size=0xFFFFFFFF), "cut short"),
    "float16": (riff(fmt(3, 16), chunk(b"data", DATA)), "16-bit floating point is not read"),
    "rate": (riff(fmt(1, 16, rate=3), chunk(b"data", DATA)), "sample rate 3"),
    "not-wave": (b"RIFF\0\0\0\0AVI " + DATA, "not a RIFF/WAVE file"),
}


@pytest.mark.parametrize("name", FILES)
def test_every_form_gives_the_samples(tmp_path, name):
    path = tmp_path / "s.wav"
    path.write_bytes(FILES[name])
    pcm, rate = read_pcm(path)
    wanted = PCM.astype(np.int64)
    if name == "pcm8":
        wanted = (PCM >> 8).astype(np.int64) << 8
    elif name.startswith("stereo"):
        wanted = (wanted + wanted[::-1]) >> 1
    elif name == "float64-loud":
        wanted = np.clip(wanted * 3, -32768, 32767)
    assert (rate, sound_rate(path)) == (RATE, RATE)
    assert np.array_equal(pcm, wanted)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_sound_is_named(tmp_path, name):
    content, said = BROKEN[name]
    path = tmp_path / "s.wav"
    path.write_bytes(content)
    with pytest.raises(ToolError, match=said) as error:
        read_pcm(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_and_not_learnt_as_silence(tmp_path, value):
    spoilt = REAL.astype("<f4")
    spoilt[5:7] = value
    path = tmp_path / "s.wav"
    path.write_bytes(riff(fmt(3, 32), chunk(b"data", spoilt.tobytes())))
    with pytest.raises(ToolError, match=r"2 of 8000 samples are no finite numbers"):
        read_sound(path, RATE)


def test_flac_and_ogg_follow_the_same_rules(tmp_path):
    wide = (PCM.astype(np.int32) << 16) + (77 << 8)
    soundfile.write(tmp_path / "s.flac", wide, RATE, subtype="PCM_24")
    assert np.array_equal(read_pcm(tmp_path / "s.flac")[0], PCM)
    soundfile.write(tmp_path / "s.ogg", REAL * 0.5, RATE)
    pcm, _ = read_pcm(tmp_path / "s.ogg")
    assert 2000 < np.abs(pcm.astype(int)).max() <= 17500


def evaluated(program: Path, folder: Path, names: list[str]) -> subprocess.CompletedProcess:
    (folder / "m.csv").write_text("label,audio\n" + "".join(f"7,{n}\n" for n in names))
    model = ROOT / "config/models/digits.safetensors"
    return subprocess.run([program, "evaluate", "--model", model, "--manifest", folder / "m.csv", "--policy", "all",
                           "--audit", "--json"], capture_output=True, text=True, check=False)


def test_the_daemons_reader_takes_the_same_samples(tmp_path, mmexitctl):
    """Each file beside a plain one of the samples that the tools read: the same answers, to the last bit."""
    for name, content in FILES.items():
        (tmp_path / f"{name}.wav").write_bytes(content)
        (tmp_path / f"{name}.tools.wav").write_bytes(wav_bytes(*read_pcm(tmp_path / f"{name}.wav")))
    ended = evaluated(mmexitctl, tmp_path, [f"{n}{end}.wav" for n in FILES for end in ("", ".tools")])
    assert ended.returncode == 0, ended.stderr
    windows = [w["exits"] for w in json.loads(ended.stdout)["windows"]]
    assert len(windows) == 2 * len(FILES)
    for name, daemons, tools in zip(FILES, windows[::2], windows[1::2], strict=True):
        assert daemons == tools, name
    assert windows[0] != windows[2 * list(FILES).index("stereo")]  # the answers do tell sounds apart


@pytest.mark.parametrize("name", BROKEN)
def test_the_daemons_reader_refuses_the_same(tmp_path, mmexitctl, name):
    (tmp_path / "s.wav").write_bytes(BROKEN[name][0])
    ended = evaluated(mmexitctl, tmp_path, ["s.wav"])
    assert ended.returncode == 65 and "s.wav" in ended.stderr
