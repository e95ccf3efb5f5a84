"""`python -m mmexit_tools.streams`."""

from ..base.errors import exit_with
from .making import main

exit_with(main, "streams")
