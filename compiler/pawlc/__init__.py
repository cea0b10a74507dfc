"""The Pawl compiler: the text of a statechart in, the text of its SQL out. Pure.

No database, clock, network or printing: every function takes values and returns values.
In order of flow:

    source        where a piece of text stands: `Position`, `Span`, `Text`
    diagnostics   what is wrong, where, and what to do: `Diagnostic`, `CompileError`
    codes         every diagnostic's code and title; `explain/` has a page for each
    render        diagnostics as text with carets, or as JSON
    syntax        what the user wrote, key by key, with positions
    parse/        YAML -> syntax
    expr/         SQL (pglast) and Python (ast) expressions, their names resolved
    model/        syntax -> the machine: a tree of numbered states, resolved transitions
    check/        one rule a file over the machine
    interpret     the reference semantics: the standard's algorithm, slow and plain
    lower/        machine -> target AST; all knowledge of statecharts ends here
    emit/         target AST -> SQL text, printed and parsed again
    compile       the pipeline on one page
"""
