"""Who appears in the story: everybody with an id, and the claims that their JWT carries."""

from pawl.demo.stage import Person


def _person(id: str, name: str, **more: str) -> Person:
    return Person(id, name, {"sub": id, **more})


BISTRO = "b1500000-0000-4000-8000-000000000002"  # the restaurant itself

ann = _person("a11ce000-0000-4000-8000-000000000001", "Ann")
luca = _person("1c0c0000-0000-4000-8000-000000000003", "Luca", restaurant_id=BISTRO)
carl = _person("ca710000-0000-4000-8000-000000000004", "Carl")
dora = _person("d07a0000-0000-4000-8000-000000000005", "Dora")
eve = _person("e4e00000-0000-4000-8000-000000000006", "Eve")

EVERYBODY = ((ann, "customer"), (luca, "cook"), (carl, "courier"), (dora, "courier"), (eve, "none"))
