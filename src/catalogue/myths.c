/* Common advice that has no effect or does harm, and the values that show that it was followed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "epolltune/catalogue.h"

/* The default of rmem_default and wmem_default on 64-bit machines: net/core/sock.c,
 * SK_WMEM_DEFAULT. */
#define SOCKET_BUFFER 212992
#define MEBI 1048576

static void set_default(struct value_rule *v, int64_t value)
{
	snprintf(v->default_value, sizeof(v->default_value), "%" PRId64, value);
}

static bool since(const struct value_rule *v, unsigned kernel)
{
	return v->machine->kernel >= kernel;
}

static bool recycles(struct value_rule *v)
{
	set_default(v, 0);
	return v->field[0] == 1 && !since(v, KERNEL(4, 12));
}

static bool wants_low_latency(struct value_rule *v)
{
	set_default(v, 0);
	return v->field[0] > 0 && since(v, KERNEL(4, 14));
}

static bool wants_fack(struct value_rule *v)
{
	set_default(v, 0);
	return v->field[0] > 0 && since(v, KERNEL(4, 15));
}

static bool scales_window(struct value_rule *v)
{
	set_default(v, 1);
	return v->field[0] != REPORT_NONE && v->field[0] != 1 && since(v, KERNEL(6, 6));
}

/* The default (tcp_init_mem()): three quarters, one, and one and a half times a sixteenth of the
 * memory. */
static bool counts_bytes(struct value_rule *v)
{
	const struct machine *m = v->machine;
	if (!m->memory_bytes || !m->page_bytes)
		return false;
	int64_t pages = (int64_t)(m->memory_bytes / m->page_bytes), low = pages / 64 * 3;
	snprintf(v->default_value, sizeof(v->default_value), "%" PRId64 " %" PRId64 " %" PRId64,
		 low, pages / 16, low * 2);
	return v->field[2] > pages;
}

/* The default (files_maxfiles_init()) is one for each 10 KiB of memory, less what the kernel
 * reserves: so the rule uses half of it, and names no number. */
static bool lowers_files(struct value_rule *v)
{
	int64_t files = (int64_t)(v->machine->memory_bytes / 10240);
	return v->field[0] >= 0 && v->field[0] < files / 2;
}

/* The default (tcp_sk_init()) is half of the entries of the hash table. tcp_ehash_entries shows
 * them since 6.1, as a negative number if the table belongs to the machine. */
static bool lowers_time_wait(struct value_rule *v)
{
	const struct machine *m = v->machine;
	int64_t half = llabs(m->ehash_entries) / 2;
	if (half)
		set_default(v, half);
	v->level = m->time_wait_overflow > 0 ? LEVEL_WARNING : LEVEL_NOTE;
	v->count = m->time_wait_overflow;
	v->counter = v->count < 0 ? NULL : "TCPTimeWaitOverflow since boot";
	v->counter_unit = "connections";
	return half ? v->field[0] < half : v->field[0] == 5000;
}

static bool is_megabytes(struct value_rule *v)
{
	set_default(v, SOCKET_BUFFER);
	return v->field[0] >= MEBI;
}

/* Each connection may hold the second field before autotuning changes it. */
static bool starts_with_megabytes(struct value_rule *v, int64_t middle)
{
	const uint64_t memory = v->machine->memory_bytes;
	if (v->field[1] < MEBI || v->field[2] == REPORT_NONE)
		return false;
	snprintf(v->default_value, sizeof(v->default_value), "%" PRId64 " %" PRId64 " %" PRId64,
		 v->field[0], middle, v->field[2]);
	if (memory && (double)v->connections * (double)v->field[1] > (double)memory)
		v->level = LEVEL_WARNING;
	return true;
}

static bool receives_megabytes(struct value_rule *v)
{
	return starts_with_megabytes(v, since(v, KERNEL(4, 20)) ? 131072 : 87380);
}

static bool sends_megabytes(struct value_rule *v) { return starts_with_megabytes(v, 16384); }

static bool exceeds_16_bits(struct value_rule *v)
{
	set_default(v, 65535);
	return v->field[0] > 65535 && !since(v, KERNEL(4, 1));
}

static bool lacks_timestamps(struct value_rule *v)
{
	set_default(v, 1);
	return v->field[0] == 0;
}

static const struct myth myths[] = {
	{
		.name = "net.core.hot_list_length",
		.claim = "A longer list of free packet heads speeds up the network.",
		.truth = "The list no longer exists: packets come from per-CPU slab caches. "
			 "Writing the file fails, as it does not exist.",
		.source = "kernel/sysctl_binary.c: NET_CORE_HOT_LIST_LENGTH unused",
		.since = "2.6",
	},
	{
		.name = "net.ipv4.tcp_tw_recycle",
		.claim = "Set to 1 it clears TIME_WAIT fast.",
		.truth = "It no longer exists. It dropped clients behind a common address (NAT), "
			 "because it took their timestamps for those of one host.",
		.source = "commit 4396e46187ca",
		.since = "4.12",
		.knobs = {"net.ipv4.tcp_tw_recycle"},
		.followed = recycles,
		.level = LEVEL_WARNING,
		.effect = "drops clients behind NAT",
		.reason = "It takes the timestamps of all clients behind a common address for "
			  "those of one host, and drops clients whose clock is behind.",
	},
	{
		.name = "net.ipv4.tcp_low_latency",
		.claim = "Set to 1 it prefers latency to throughput.",
		.truth = "Linux 4.14 removed the prequeue that it turned off, and ignores the "
			 "value. epoll servers never used the prequeue.",
		.source = "ip-sysctl.rst",
		.since = "4.14",
		.knobs = {"net.ipv4.tcp_low_latency"},
		.followed = wants_low_latency,
		.effect = "has no effect",
	},
	{
		.name = "net.ipv4.tcp_fack",
		.claim = "Forward acknowledgement recovers faster from loss.",
		.truth = "RACK (RFC 8985) replaced it in Linux 4.15, which ignores the value.",
		.source = "ip-sysctl.rst; RFC 8985",
		.since = "4.15",
		.knobs = {"net.ipv4.tcp_fack"},
		.followed = wants_fack,
		.effect = "has no effect",
	},
	{
		.name = "tcp_adv_win_scale-2",
		.claim = "net.ipv4.tcp_adv_win_scale set to 2, or to -2, gives more of the "
			 "receive buffer to the window.",
		.truth = "Since Linux 6.6 the kernel measures each connection's overhead, and "
			 "ignores the value.",
		.source = "ip-sysctl.rst",
		.since = "6.6",
		.knobs = {"net.ipv4.tcp_adv_win_scale"},
		.followed = scales_window,
		.effect = "has no effect",
	},
	{
		.name = "tcp_mem-in-bytes",
		.claim = "net.ipv4.tcp_mem takes bytes, as tcp_rmem and tcp_wmem do.",
		.truth = "The unit is pages, mostly of 4096 bytes. A number of bytes is a limit "
			 "above all memory: TCP may fill the machine before the kernel sees memory "
			 "pressure.",
		.source = "tcp(7); ip-sysctl.rst",
		.knobs = {"net.ipv4.tcp_mem"},
		.followed = counts_bytes,
		.level = LEVEL_WARNING,
		.effect = "is more than this machine's memory",
	},
	{
		.name = "file-max-lowered",
		.claim = "fs.file-max=100000, or another number from a guide, raises the limit.",
		.truth =
			"The kernel's own limit is one file for each 10 KiB of memory, and systemd "
			"raises it to the maximum. A number from a guide for a smaller machine "
			"lowers it.",
		.source = "fs/file_table.c files_maxfiles_init()",
		.knobs = {"fs.file-max"},
		.followed = lowers_files,
		.effect = "is less than the kernel's own default",
	},
	{
		.name = "tcp_max_tw_buckets-5000",
		.claim =
			"net.ipv4.tcp_max_tw_buckets=5000 saves resources where many connections are in TIME_WAIT.",
		.truth = "The kernel closes those beyond the limit at once, without the protection "
			 "against old segments that TIME_WAIT is for. Each takes about 250 bytes. "
			 "The kernel's documentation advises against lowering the limit.",
		.source = "ip-sysctl.rst; RFC 1337",
		.knobs = {"net.ipv4.tcp_max_tw_buckets"},
		.followed = lowers_time_wait,
		.effect = "destroys connections in TIME_WAIT",
	},
	{
		.name = "tcp_fin_timeout-time-wait",
		.claim = "A lower net.ipv4.tcp_fin_timeout shortens TIME_WAIT.",
		.truth = "TIME_WAIT lasts 60 seconds, fixed when the kernel is compiled. The knob "
			 "sets FIN_WAIT_2 of closed sockets.",
		.source = "include/net/tcp.h TCP_TIMEWAIT_LEN; ip-sysctl.rst",
	},
	{
		.name = "tcp_tw_reuse-for-servers",
		.claim = "net.ipv4.tcp_tw_reuse=1 helps a server with many connections in "
			 "TIME_WAIT.",
		.truth =
			"It has an effect in connect() only, and a server accepts connections. The "
			"side that connects and closes first can use it.",
		.source = "net/ipv4/inet_hashtables.c __inet_check_established()",
	},
	{
		.name = "rmem_default-of-megabytes",
		.claim = "net.core.rmem_default and wmem_default of megabytes speed up TCP.",
		.truth = "TCP starts with the second field of tcp_rmem or tcp_wmem. Each UDP, raw "
			 "and netlink socket, and by wmem_default each UNIX one, may hold that "
			 "much. Where a UDP server needs such a buffer, let the server set "
			 "SO_RCVBUF or SO_SNDBUF.",
		.source = "net/ipv4/tcp.c tcp_init_sock(); socket(7)",
		.knobs = {"net.core.rmem_default", "net.core.wmem_default"},
		.followed = is_megabytes,
		.effect = "does nothing for TCP",
	},
	{
		.name = "tcp_rmem-starts-with-megabytes",
		.claim =
			"The second field of net.ipv4.tcp_rmem should be megabytes, like the third.",
		.truth =
			"A peer can fill the second field before the server reads, and each "
			"connection can take that much memory. Autotuning raises a smaller one, up "
			"to the third field, for connections whose server reads. Restart the "
			"server after lowering it: accepted sockets inherit the size from their "
			"listener.",
		.source = "net/ipv4/tcp_input.c tcp_rcv_space_adjust(); tcp(7)",
		.knobs = {"net.ipv4.tcp_rmem"},
		.followed = receives_megabytes,
		.effect = "lets each connection hold megabytes from its start",
	},
	{
		.name = "tcp_wmem-starts-with-megabytes",
		.claim =
			"The second field of net.ipv4.tcp_wmem should be megabytes, like the third.",
		.truth = "A write fills the second field at once, long before the path needs as "
			 "much, and each connection can take that much memory. Autotuning raises a "
			 "smaller one, up to the third field, as the congestion window grows. "
			 "Restart the server after lowering it: accepted sockets inherit the size "
			 "from their listener.",
		.source = "net/ipv4/tcp_input.c tcp_sndbuf_expand(); tcp(7)",
		.knobs = {"net.ipv4.tcp_wmem"},
		.followed = sends_megabytes,
		.effect = "lets each connection hold megabytes from its start",
	},
	{
		.name = "rmem_max-bounds-autotuning",
		.claim = "net.core.rmem_max and wmem_max must be raised for TCP to use large "
			 "windows.",
		.truth = "They limit SO_RCVBUF and SO_SNDBUF. Autotuning goes up to the third "
			 "fields of tcp_rmem and tcp_wmem without regard to them.",
		.source = "tcp(7); net/ipv4/tcp_input.c tcp_rcv_space_adjust()",
	},
	{
		.name = "tcp_abort_on_overflow-1",
		.claim = "net.ipv4.tcp_abort_on_overflow=1 makes an overloaded server fail fast.",
		.truth = "It resets connections that clients would otherwise complete after a "
			 "retransmission: a short burst becomes errors.",
		.source = "ip-sysctl.rst; net/ipv4/tcp_minisocks.c tcp_check_req()",
	},
	{
		.name = "somaxconn-above-65535",
		.claim = "The higher net.core.somaxconn, the better.",
		.truth = "Before 4.1 the kernel kept the queue's length in 16 bits: 65536 became "
			 "0, or was refused. Now it fits, but clients at the end of such a long "
			 "queue have left before they are served.",
		.source = "commit becb74f0acca",
		.since = "4.1",
		.knobs = {"net.core.somaxconn"},
		.followed = exceeds_16_bits,
		.level = LEVEL_WARNING,
		.effect = "does not fit into this kernel's 16 bits",
		.reason = "Before Linux 4.1 the kernel kept the length of a queue in 16 bits: "
			  "65536 became 0.",
	},
	{
		.name = "tcp_max_syn_backlog-with-cookies",
		.claim = "net.ipv4.tcp_max_syn_backlog must be raised for busy servers.",
		.truth = "It counts only with net.ipv4.tcp_syncookies=0. With cookies, the "
			 "default, the listener's backlog limits the half-open connections.",
		.source = "net/ipv4/tcp_input.c tcp_conn_request()",
		.since = "4.4",
	},
	{
		.name = "tcp_timestamps-0",
		.claim = "net.ipv4.tcp_timestamps=0 saves work.",
		.truth = "It saves 12 bytes a segment and disables tcp_tw_reuse, the protection "
			 "against wrapped sequence numbers, exact round trips, and window scaling "
			 "under SYN cookies.",
		.source = "RFC 7323; net/ipv4/syncookies.c",
		.knobs = {"net.ipv4.tcp_timestamps"},
		.followed = lacks_timestamps,
		.effect = "loses more than it saves",
	},
	{
		.name = "epoll-mmap",
		.claim = "epoll is fast because kernel and program share memory by mmap.",
		.truth = "epoll_wait() copies the ready events. It is fast because it looks at "
			 "ready descriptors only.",
		.source = "fs/eventpoll.c ep_send_events()",
	},
	{
		.name = "fd_setsize-2048",
		.claim = "select() takes 2048 descriptors.",
		.truth =
			"FD_SETSIZE is 1024 in glibc, fixed when the program is compiled. FD_SET() "
			"with a descriptor of 1024 or more writes past the end of the set. poll() "
			"and epoll have no such limit.",
		.source = "select(2)",
	},
	{
		.name = "netdev_max_backlog-for-nics",
		.claim = "A higher net.core.netdev_max_backlog stops packet loss of a fast "
			 "interface.",
		.truth =
			"Packets of drivers with NAPI do not pass through that queue. It holds "
			"those of loopback, RPS and veth; column 2 of softnet_stat counts its "
			"drops. A tunnel with GRO has queues of the same limit, and counts their "
			"drops as rx_dropped of its interface. A network card that drops packets counts rx_missed_errors.",
		.source = "net/core/dev.c enqueue_to_backlog()",
	},
};

size_t myth_count(void) { return sizeof(myths) / sizeof(*myths); }

const struct myth *myth_at(size_t i) { return &myths[i]; }

const char *myth_reason(const struct myth *m) { return m->reason ? m->reason : m->truth; }
