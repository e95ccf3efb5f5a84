"""`python -m mmexit_tools.comparison`."""

from ..base.errors import exit_with
from .runs import main

exit_with(main, "comparison")
