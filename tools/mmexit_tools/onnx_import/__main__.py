"""`python -m mmexit_tools.onnx_import`."""

from ..base.errors import exit_with
from .importing import main

exit_with(main, "onnx-import")
