"""`python -m mmexit_tools.manifests`."""

from ..base.errors import exit_with
from .writing import main

exit_with(main, "manifests")
