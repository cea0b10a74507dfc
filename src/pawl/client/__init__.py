"""One Python call per function of the SQL API, blocking or asynchronous.

Read in this order:

* `payload`: Python values to JSON and back, nothing lost on the way;
* `results`: what comes back: `Instance`, `Entry`;
* `calls`: each call as data: the SQL, its parameters, how to read the answer. No connection;
* `retry`: how long to wait after a serialization failure or a deadlock;
* `sync`, `aio`: `Client` and `AsyncClient`, which do nothing but send the calls.

    from pawl.client import Client

    with Client("postgresql://localhost/shop") as client:
        client.create("order", "o-17", {"customer_id": customer, "total": Decimal("24.50")})
        order = client.send("order", "o-17", "accept", {"prep_minutes": 20})
        order.state        # ('preparing',)
"""

from pawl.client.aio import AsyncClient
from pawl.client.calls import Caller, Send
from pawl.client.results import Entry, Instance
from pawl.client.sync import Client

__all__ = ["AsyncClient", "Caller", "Client", "Entry", "Instance", "Send"]
