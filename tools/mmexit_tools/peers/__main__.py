"""`python -m mmexit_tools.peers`."""

from ..base.errors import exit_with
from .timing import main

exit_with(main, "peers")
