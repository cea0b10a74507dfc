"""The model: what the definition means, independent of how it was written and of SQL.

machine       the dataclasses: `Machine`, `State`, `Transition`, `Expression`
tree          pure questions about the tree: ancestors, lca, domain, entry and exit order
events        the names of events, and which descriptor takes which
intervals     durations as Postgres reads them
resolve       syntax -> machine
  structure   first pass: states, targets, triggers, domains
    targets   names of states -> indices
    labels    a transition on one line
  catalogue   every event that can happen, and what it carries
  causes      which events lead to a place, and so which `event` fields it may read
  expressions second pass: expressions and guards in their scopes
  actions     actions, named ones written out
  delays      the delay of an `after`
  python      functions of the companion file
  policies    effects, defaults filled in
"""
