"""The model: what the definition means, independent of how it was written and of SQL.

machine   the dataclasses: `Machine`, `State`, `Transition`, `Expression`
tree      pure questions about the tree: ancestors, lcca, entry and exit order
causes    which events can lead to an action, and so which `event` fields it may read
resolve   syntax -> machine: names, targets, domains, triggers, expressions
"""
