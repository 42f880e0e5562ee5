# The options that the modules share.
# SPDX-License-Identifier: MIT
"""The documentation of the options that the modules share."""


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  target:
    description:
      - The load to be ready for.
      - The default is that of C(epolltune check), 10 000 connections and 10 000 new ones a second.
    type: dict
    suboptions:
      name:
        description: A predefined target (C(c10k), C(c100k), C(c1m)) or one that was saved on the host.
        type: str
      connections:
        description: Connections open at a time, such as C(50k).
        type: str
      rate:
        description: New connections a second, such as C(20k).
        type: str
      stall:
        description: The longest time that the server does not accept, such as C(250ms).
        type: str
      rtt:
        description: The round trip to the clients, such as C(50ms).
        type: str
      bandwidth:
        description: The throughput of one connection, such as C(100mbit).
        type: str
      datagrams:
        description: UDP datagrams a second at one address.
        type: str
      datagram:
        description: The payload of a datagram in bytes.
        type: str
      idle:
        description: The time after which a load balancer or NAT forgets a connection without packets.
        type: str
      destinations:
        description: The servers behind a proxy, times its source addresses.
        type: str
      role:
        description: A server accepts connections; a proxy also opens one for each.
        type: str
        choices: [server, proxy]
      server:
        description: The running server to judge, such as C(nginx), C(nginx.service), C(:443) or a pid.
        type: str
      backlog:
        description: The backlog that the application passes to listen(2).
        type: str
      peers:
        description: Hosts on the same link to talk to at a time.
        type: str
  probe:
    description: Run only these probes, such as C(accept-queue).
    type: list
    elements: str
  window:
    description: How long to watch the host before the first experiment.
    type: str
  in_place:
    description: Run the experiments over loopback instead of in a lab.
    type: bool
    default: false
  family:
    description: The IP version of the experiments.
    type: str
    choices: [auto, '4', '6']
  gentle:
    description: Run the experiments one at a time on one CPU at the lowest priority.
    type: bool
    default: false
  ignore:
    description: Accept these findings, such as C(accept-queue.short) or C(readiness.lost-edge@accept-queue).
    type: list
    elements: str
  executable:
    description: The program on the host, by name or path.
    type: str
    default: epolltune
notes:
  - The host needs epolltune 0.1.0 or later, and Python 3.6 or later.
"""
