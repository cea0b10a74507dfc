"""Expressions of a definition: parsed alone, every name resolved, nothing of them trusted as text.

scope      what an expression may name: `Scope`, `EventScope`
sql        an SQL expression -> `model.machine.Expression`, by
  parse    one scalar -> one parse tree (pglast), nothing beyond it
  walk     the tree's nodes and the queries around them
  shape    what may stand in it: an allow-list
  functions   which functions may not be called, and why
  lookup   what a name means in a scope
literals   text constants: written, recognised, passed over
names      a scope name -> SQL; an offset of the SQL -> the place in the file
same       whether two pieces of SQL say the same, however they are written
columns    an SQL column definition -> `model.machine.Column`
python     a function of the companion `.py` -> `model.machine.PythonFunction`, by
  companion   the file as a module, what one of its functions needs of it (ast, never run)
"""
