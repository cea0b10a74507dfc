"""Expressions of a definition: parsed alone, every name resolved, nothing of them trusted as text.

    scope     what an expression may name: `Scope`, `EventScope`
    sql       an SQL expression -> `model.machine.Expression` (pglast)
    columns   an SQL column definition -> `model.machine.Column` (pglast)
    python    the companion `.py` -> `model.machine.PythonFunction` (ast)
"""
