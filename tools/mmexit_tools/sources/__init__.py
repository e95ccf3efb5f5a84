"""Where windows are made of: data folders read, and digits, hands and rooms drawn or spoken by a script."""
