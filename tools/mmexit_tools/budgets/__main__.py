"""`python -m mmexit_tools.budgets`."""

from ..base.errors import exit_with
from .runs import main

exit_with(main, "budgets")
