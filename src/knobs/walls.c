#include "knobs/walls.h"

static const struct wall_row walls[] = {
	{"descriptors.process", "connections",
	 "How many connections one process can hold before accept() fails with EMFILE: its limit "
	 "on descriptors less those that it holds for other ends. Needed: the target's "
	 "connections."},
	{"descriptors.system", "descriptors",
	 "How many more files and sockets the machine can open before everybody but root meets "
	 "ENFILE. Read, never exhausted. Needed: the target's connections."},
	{"epoll.watches", "watches",
	 "How many descriptors one user can register in epoll sets before EPOLL_CTL_ADD fails "
	 "with ENOSPC. Needed: the target's connections."},
	{"memory.connection", "B",
	 "The kernel memory that idle connections take at this end, against the memory that the "
	 "machine has to give. Needed: the target's connections times one's cost."},
	{"accept-queue", "connections",
	 "How many connections, their handshake complete, can wait for accept(): one more than "
	 "the smaller of the argument of listen() and net.core.somaxconn. Beyond that clients "
	 "are dropped and come again after a second. Needed: rate times stall."},
	{"syn-queue", "connections",
	 "How many handshakes can be half open at a listener. Beyond that cookies are sent, or "
	 "SYNs dropped. Needed: rate times round trip."},
	{"ports.ephemeral", "connections",
	 "How many connections one source address can have to one destination address and port "
	 "before connect() fails with EADDRNOTAVAIL. Needed by a proxy only: its connections."},
	{"time-wait", "connections",
	 "How many closed connections can wait in TIME_WAIT. Needed by the side that closes "
	 "first: rate times 60 seconds."},
	{"buffers.receive", "B/s",
	 "How fast one connection can receive over the target's round trip, by the receive "
	 "window that the kernel offers. Needed: the target's bandwidth."},
	{"buffers.send", "B/s",
	 "How fast one connection can send over the target's round trip, by what the send buffer "
	 "keeps in flight. Needed: the target's bandwidth."},
	{"buffers.memory", "B",
	 "The memory that the buffers of all TCP connections together may take. Needed: the "
	 "target's connections times what one holds."},
	{"softnet.backlog", "packets",
	 "How many packets can wait for a CPU where they do not come by NAPI; those beyond are "
	 "dropped."},
	{"softnet.budget", "packets",
	 "How many packets, and how long, one round of receive softirq takes before it gives way "
	 "with work left."},
	{"nic.ring", "packets",
	 "How many packets an interface can hold until the kernel fetches them; those beyond are "
	 "lost in the device."},
	{"nic.queues", "queues",
	 "Over how many queues, and so CPUs, an interface spreads what it receives."},
	{"napi.latency", "us",
	 "How long a request takes to the test server and back, by the way that packets are "
	 "fetched: interrupt, deferred interrupt or busy polling."},
};

size_t wall_row_count(void) { return sizeof(walls) / sizeof(*walls); }

const struct wall_row *wall_row_at(size_t i) { return &walls[i]; }
