"""Writes the corpora that tools/fuzz begins with: Tests/Fuzz/corpus/TARGET/NAME, small inputs of every kind a reader
knows, and what once broke one (canonically equal keys, numbers at the ends, lengths that are not so).

    cd tools && ../.build/python/bin/python ../Tests/Fuzz/seeds.py

Other inputs that lie there are left as they are: those that tools/fuzz has found.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / "tools"
COMPOSED, DECOMPOSED = "\u00e9", "e\u0301"


def json_texts() -> dict[str, str]:
    return {
        "kinds": '{"a":[1,-2,3.5,1e300,true,false,null,"x\\n\\u00e9\\ud83d\\ude00"],"b":{}}',
        # Swift takes the two keys for the same text, jansson does not.
        "canonical": f'{{"{COMPOSED}":1,"{DECOMPOSED}":2,"\u212b":3,"\u00c5":4}}',
        "ends": "[9223372036854775807,-9223372036854775808,1.7976931348623157e308,5e-324,-0.0,0]",
        "deep": "[" * 60 + "]" * 60, "bom": "\ufeff{}", "twice": '{"a":1,"a":2}', "nul": '"a\\u0000b"', "lone": '"\\ud800"',
    }


def varlink() -> dict[str, str]:
    one = '{"method":"io.mmexit.Daemon.GetStatus","parameters":{"a":[1,{"b":"c"}]}}'
    rows = {
        "status": one, "watch": '{"method":"io.mmexit.Daemon.Watch","more":true}',
        "info": '{"method":"org.varlink.service.GetInfo"}',
        "description": '{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.mmexit.Daemon"}}',
        "oneway": '{"method":"io.mmexit.Daemon.Pause","oneway":true}', "array": "[]",
        "canonical": f'{{"method":"{COMPOSED}.{DECOMPOSED}","parameters":{{"{COMPOSED}":1,"{DECOMPOSED}":2}}}}',
    }
    return {n: t + "\0" for n, t in rows.items()} | {"pipelined": "\0".join([one] * 5) + "\0", "half": one[:30]}


def replies() -> dict[str, str]:
    return {
        "plain": '{"parameters":{"a":1}}\0', "more": '{"parameters":{},"continues":true}\0' * 3 + "{}\0",
        "error": '{"error":"io.mmexit.Daemon.Paused","parameters":{"limit":1}}\0',
        "canonical": f'{{"parameters":{{"{COMPOSED}":1,"{DECOMPOSED}":2}}}}\0', "wrong": '{"parameters":[],"error":3}\0',
    }


def chain(rows: list[dict]) -> str:
    """Records of a ledger, each with the digest of the one before."""
    lines, former = [], "0" * 64
    for number, row in enumerate((dict(r) for r in rows), 1):
        line = json.dumps({"schema": 1, "type": row.pop("type"), "seq": number, "prev": former, **row}, separators=(",", ":"))
        former = hashlib.sha256(line.encode()).hexdigest()
        lines.append(line + "\n")
    return "".join(lines)


def decision(account: str) -> dict:
    energy = [{"account": account, "modality": "audio", "kind": "estimated", "nanojoules": 5}]
    return {"type": "decision", "energy": energy, "total_nanojoules": 5, "always_on_nanojoules": 9, "macs": 7,
            "exit": {"modality": "audio", "exit": 1}}


def ledgers() -> dict[str, str]:
    stop = {"type": "stop", "decisions": 2, "total_nanojoules": 10}
    whole = chain([{"type": "start"}, decision("sensing"), decision("segment"), stop])
    gap = {"type": "gap", "cause": "tornTail", "cut_bytes": 3, "cut_sha256": "0" * 64, "segment": "s", "kept": "k",
           "lost_records": 4, "shed": {"decision": 2}}
    checkpoint = json.dumps({"schema": 1, "segment": "ledger-0000000000000001.jsonl", "bytes": 10, "lines": 1, "seq": 1,
                             "sha256": "0" * 64})
    return {
        "whole": whole, "torn": whole + '{"schema":1', "gap": chain([{"type": "start"}, gap]), "broken": whole.replace("5", "6", 1),
        "canonical": chain([{"type": "start"}, decision(COMPOSED), decision(DECOMPOSED)]),
        "ends": chain([{"type": "decision", "energy": [], "total_nanojoules": 2**63 - 1, "always_on_nanojoules": -2**63,
                        "macs": 2**63 - 1}] * 2),
        "two": chain([{"type": "start"}, decision("a")]) + "\0" + whole, "checkpoint": whole + "\0\0" + checkpoint, "blank": "\n\n\n",
    }


def sounds() -> dict[str, bytes]:
    def wav(kind: int, bits: int, channels: int = 1, size: int | None = None, more: bytes = b"") -> bytes:
        data = bytes(range(48))
        frame = bits // 8 * channels
        form = struct.pack("<HHIIHH", kind, channels, 16000, 16000 * frame, frame, bits) + more
        chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"LIST" + struct.pack("<I", 3) + b"abc\0"
        chunks += b"data" + struct.pack("<I", len(data) if size is None else size) + data
        return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks

    guid = struct.pack("<HHIH", 22, 16, 4, 1) + bytes.fromhex("000000001000800000aa00389b71")
    rf64 = b"RF64" + b"\xff" * 4 + b"WAVEds64" + struct.pack("<IQQQI", 28, 100, 48, 24, 0)
    rf64 += b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16) + b"data" + b"\xff" * 4 + bytes(48)
    rows = {f"pcm-{bits}": wav(1, bits) for bits in (8, 16, 24, 32)}
    return rows | {
        "stereo": wav(1, 16, 2), "float-32": wav(3, 32), "float-64": wav(3, 64), "extensible": wav(0xFFFE, 16, more=guid),
        "endless": wav(1, 16, size=0x80000000), "killed": wav(1, 16, size=0), "odd": wav(1, 16, size=47), "rf64": rf64,
    }


def films() -> dict[str, bytes]:
    def film(header: str, size: int, count: int = 2) -> bytes:
        return f"YUV4MPEG2 {header}\n".encode() + b"".join(b"FRAME\n" + bytes([i]) * size for i in range(count))

    return {
        "420": film("W4 H4 F30:1 Ip A1:1 C420jpeg", 24), "444": film("W2 H2 F10000000:333333 C444", 12), "mono": film("W3 H3 F1:1 Cmono", 9),
        "full": film("W2 H2 F25:1 C420 XCOLORRANGE=FULL", 6), "422": film("W4 H2 F30000:1001 C422 XCOLORRANGE=LIMITED", 16),
        "cut": film("W4 H4 F30:1", 24)[:-3], "odd": film("W3 H5 F30:1 C420", 27), "parameters": film("W2 H2 F1:1", 6).replace(b"FRAME", b"FRAME Ixyz"),
    }


def pictures() -> dict[str, bytes]:
    return {"grey": b"P5 3 2 255\n" + bytes(6), "colour": b"P6\n# a comment\n2 2\n255\n" + bytes(12), "few": b"P5 2 2 7\n\1\2\3\7",
            "deep": b"P5 2 2 65535\n" + bytes(8), "large": b"P6 999999999 999999999 255\n", "ascii": b"P2 1 1 255 7",
            "pam": b"P7\n# c\nWIDTH 2\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n" + bytes(12),
            "pam-alpha": b"P7\nWIDTH 1\nHEIGHT 2\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n" + bytes([1, 255, 2, 255])}


def arrays() -> dict[str, bytes]:
    def array(head: str, body: bytes, version: int = 1) -> bytes:
        text = head.encode() + b" " * (-(len(head) + 11) % 64) + b"\n"
        length = struct.pack("<H" if version == 1 else "<I", len(text))
        return b"\x93NUMPY" + bytes([version, 0]) + length + text + body

    rows = {kind: array(f"{{'descr': '<{kind}', 'fortran_order': False, 'shape': (2, 3), }}", bytes(48)) for kind in ("f4", "f8", "i2", "i4")}
    return rows | {
        "bytes": array("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", b"abc"), "scalar": array("{'descr': '|i1', 'fortran_order': False, 'shape': (), }", b"a"),
        "fortran": array("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", bytes(8)),
        "large": array("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", b""),
        "two": array("{'descr': '|i1', 'fortran_order': False, 'shape': (1,), }", b"a", 2),
    }


def recordings() -> dict[str, str]:
    def text(sensors: list[dict], **more: object) -> str:
        return json.dumps({"format": 1, "name": "n", "sensors": sensors, **more}, ensure_ascii=False)

    return {
        "two": text([{"name": "audio", "kind": "sound", "file": "a.wav"}, {"name": "image", "kind": "image", "file": "f", "frames_per_second": 30}], labels="l.csv"),
        "canonical": text([{"name": COMPOSED, "kind": "sound", "file": "a"}, {"name": DECOMPOSED, "kind": "sound", "file": "b"}]), "none": text([]),
        "twice": text([{"name": "a", "kind": "sound", "file": "/x"}] * 2), "outside": text([{"name": "a", "kind": "image", "file": "../../x"}]),
    }


def configurations() -> dict[str, str]:
    root = HERE.parents[1]
    rows = {p.stem: p.read_text() for p in sorted((root / "config").glob("*.conf"))}
    return rows | {
        "hash": "[sensor audio]\ndevice = default # the microphone\n", "canonical": f"[sensor {COMPOSED}]\n[sensor {DECOMPOSED}]\n",
        "ends": "[gate]\nvalue-of-right-answer = 1e308\n[ledger]\nsegment-bytes = 9223372036854775807\nflush-interval = 1e300s\n",
        "bom": "\ufeff[daemon]\r\nsocket=/x\r\n", "indented": "[gate]\n  max-skew = 20ms ; c\n", "long": "[daemon]\nsocket = " + "x" * 190 + "\n",
    }


def manifests() -> dict[str, str]:
    return {"plain": "label,audio,image\nstop,a.wav,b.ppm\nnone,,/c.npy\n", "quoted": 'label,"image"\r\n"stop","a""b,c\nd"\r\n', "empty": "",
            "canonical": f"label,audio,{DECOMPOSED}\n{COMPOSED},a,b\n{DECOMPOSED},a,b\n", "columns": "label,audio,audio\nstop,a,b\n", "open": 'label\n"'}


def plans() -> dict[str, str]:
    def modality(name: str, **more: float) -> dict:
        exits = [{"accuracy": 0.8, "cost": 0.01, "hazard": 0.5, "threshold": 0.3}, {"accuracy": 0.9, "cost": 0.1, "hazard": 0.5}]
        return {"name": name, "wake": 0.1, "standby": 0.01, "exits": exits, **more}

    def text(names: list[str], **more: object) -> str:
        reading = [{"entropy": 0.2, "correct": True}, {"entropy": None, "correct": 0}]
        windows = [{"exits": {n: reading for n in names}, "fusion": {"correct": True}}] * 3
        return json.dumps({"lambda": 1.5, "modalities": [modality(n) for n in names], "fusion": {"accuracy": 0.95, "cost": 0.2}, "windows": windows, **more}, ensure_ascii=False)

    return {"two": text(["a", "b"]), "canonical": text([COMPOSED, DECOMPOSED]), "one": text(["a"]), "none": text([]), "twice": text(["a", "a"]),
            "ends": text(["a", "b"], **{"lambda": 1e308}), "minus": text(["a"], **{"lambda": -1e308})}


def models() -> dict[str, bytes]:
    """A net with every operation, and one of vectors."""
    sys.path[:0] = [str(TOOLS), str(TOOLS / "tests")]
    from qdq import Builder, imported

    b = Builder()
    c = b.rounded(b.conv("c", b.rounded(b.input("x", 1, 6, 5), 0.02, -11), 1, 4), 0.1, 9)
    d = b.rounded(b.conv("d", c, 4, 4, depthwise=True), 0.1, 9)
    a = b.rounded(b.node("Relu", [b.node("Add", [c, d], "a")], "ar"), 0.1, -128)
    gate = b.rounded(b.node("HardSigmoid", [b.rounded(b.node("GlobalAveragePool", [a], "m"), 0.1, 1)], "g"), 1 / 255, -128)
    z = b.rounded(b.node("Mul", [a, gate], "z"), 0.05, 9)
    p = b.rounded(b.node("AveragePool", [z], "p", kernel_shape=[2, 2], strides=[2, 2]), 0.05, 9)
    q = b.node("MaxPool", [z], "q", kernel_shape=[2, 2], strides=[2, 2])
    b.keep(q, z)
    j = b.rounded(b.node("Concat", [p, q], "j", axis=1), 0.06, 3)
    f = b.node("Flatten", [j], "f")
    b.keep(f, j)
    map_net = b.model(b.gemm("y", f, 48, 3))
    v = Builder(seed=1)
    h = v.rounded(v.node("Relu", [v.gemm("h", v.rounded(v.input("x", 4), 0.05), 4, 3)], "hr"), 0.05, -128)
    vector_net = v.model(v.gemm("y", h, 3, 2))
    return {"map": imported(map_net).file(0.5), "vector": imported(vector_net, ("x=vector",)).file(None)}


def main() -> None:
    rows = {"json": json_texts(), "varlink": varlink(), "client": replies(), "ledger": ledgers(), "recovery": ledgers(), "wav": sounds(),
            "y4m": films(), "pnm": pictures(), "npy": arrays(), "recording": recordings(), "configuration": configurations(),
            "manifest": manifests(), "plan": plans(), "model": models()}
    for target, inputs in rows.items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in inputs.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    main()
