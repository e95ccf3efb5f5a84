import json

import numpy as np
from conftest import make_batch, run_command

from mmexit_tools.export import compare, onnx_export
from mmexit_tools.manifests.writing import write_manifest
from mmexit_tools.model import graphs
from mmexit_tools.model.datasets import featurize
from mmexit_tools.quantize.modelfile import ExitSettings, model_bytes
from mmexit_tools.quantize.quantization import quantize
from mmexit_tools.quantize.ranges import measure_ranges
from mmexit_tools.signals.windows import Picture, Vector, Window
from mmexit_tools.training.trainer import predict


def test_agreement_is_counted_exit_by_exit(network, trained, tmp_path):
    rng = np.random.default_rng(1)
    windows = [
        Window(network.classes[i % 3], {"vector": Vector(rng.normal(size=5).astype(np.float32))}
               | ({"image": Picture(rng.integers(0, 256, (8, 9)).astype(np.uint8))} if i != 4 else {}))
        for i in range(40)
    ]
    write_manifest(windows, ("image", "vector"), tmp_path / "m")
    graph = graphs.lower(trained)
    quantized = quantize(graph, measure_ranges(graph, make_batch(network, 50)))
    settings = {(m, n): ExitSettings() for m, n, _ in graph.exit_outputs()}
    (tmp_path / "t.safetensors").write_bytes(model_bytes(quantized, settings, {}))
    (tmp_path / "t.onnx").write_bytes(onnx_export.build(graph).SerializeToString())

    said = predict(trained, featurize(windows, network))
    rows = []
    for i, w in enumerate(windows):
        name = {k: network.classes[int(v[i].argmax())] for k, v in said.items()}
        exits = [{"modality": m, "exit": n, "entropy": 0.5, "answer": a}
                 for (m, n), a in name.items() if m in w.inputs]
        rows.append({"row": i + 1, "label": w.label, "exits": exits,
                     "fusion": {"entropy": 0.5, "answer": name[("fusion", 0)]}})
    wrong = rows[0]["exits"][0]
    wrong["answer"] = next(c for c in network.classes if c != wrong["answer"])
    (tmp_path / "said.json").write_text(json.dumps({"windows": rows}))

    arguments = ["--model", tmp_path / "t.safetensors", "--onnx", tmp_path / "t.onnx", "--manifest",
                 tmp_path / "m/manifest.csv", "--answers", tmp_path / "said.json"]
    ended = run_command(compare, *arguments)
    assert ended.returncode == 1, ended.stderr  # 38 of 39 is below 99 %
    lines = ended.stdout.splitlines()
    assert lines[2].startswith("| image 1 | 39 | 97.4 % |")
    assert all("| 100.0 % |" in line for line in lines[3:])
    assert run_command(compare, *arguments, "--minimum", "95").returncode == 0
    wrong = run_command(compare, *arguments[:-1], tmp_path / "m/manifest.csv")
    assert wrong.returncode == 65 and wrong.stderr.startswith("error: ")
