"""`python -m mmexit_tools.training`."""

from ..base.errors import exit_with
from .trainer import main

exit_with(main, "training")
