"""From an address in a process to the function that lies there: files, tables, names.

Contract: only here ELF files are opened. They may come from anybody, so what is read of one is
bounded, and what is wrong with it is a DecodeError.
"""
