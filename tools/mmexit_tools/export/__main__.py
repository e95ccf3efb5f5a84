"""`python -m mmexit_tools.export`."""

from ..base.errors import exit_with
from .exporter import main

exit_with(main, "export")
