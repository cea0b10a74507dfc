"""Emission: target code becomes SQL text.

layout      long expressions broken at their commas and operators
printer     target code -> text, the style of sql/
templates/  what only changes its words: schema, grants, the functions that choose a version
scripts     the scripts that deploy runs: schema and table, functions of a version, routes
columns     what a further version adds to the table
routes      the routers over all machines
probe       statements that let Postgres check each expression's type
verify      what was printed, parsed again
"""
