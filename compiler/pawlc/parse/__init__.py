"""Front ends: the text of a definition to `syntax.Machine`, with diagnostics, never exceptions.

yaml    the native form, `*.machine.yaml`
"""
