"""Random requests, valid and invalid, which schemathesis thinks up and this package sends.

schemathesis runs in a process of its own and knows neither the back-end nor a token: what it sends goes to a
``gateway`` on the loopback interface. That lets through what does no harm (``permission``), sends it in the name of the
user within the run's budget, remembers what was created, and judges the answers (``judgement``) by what the contract
says of the request. Whatever every answer must keep is seen to by ``inspection``, as for any other request.
"""

from __future__ import annotations
