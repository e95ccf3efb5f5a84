"""`python -m mmexit_tools.guarantee`."""

from ..base.errors import exit_with
from .trials import main

exit_with(main, "guarantee")
