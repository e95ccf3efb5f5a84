"""Training material mixed on the fly: a bank of parts is made once, and every batch is put together anew from it."""
