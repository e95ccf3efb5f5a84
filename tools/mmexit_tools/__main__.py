"""`python -m mmexit_tools COMMAND`, as the console command `mmexit-tools`."""

from .commands import main

main()
