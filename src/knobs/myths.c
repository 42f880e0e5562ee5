#include "knobs/myths.h"

static const struct myth myths[] = {
	{"net.core.hot_list_length", "A longer list of free packet heads speeds up the network.",
	 "There is no such list any more: packets come from slab caches, for each CPU. Writing "
	 "the file fails, as it does not exist.",
	 "kernel/sysctl_binary.c: NET_CORE_HOT_LIST_LENGTH unused", "2.6"},
	{"net.ipv4.tcp_tw_recycle", "Set to 1 it clears TIME_WAIT fast.",
	 "It is gone. While it was there it dropped clients behind a common address (NAT), "
	 "because it took their timestamps for those of one host.",
	 "commit 4396e46187ca", "4.12"},
	{"net.ipv4.tcp_low_latency", "Set to 1 it prefers latency to throughput.",
	 "Without effect: the prequeue that it turned off is gone, and epoll servers never used "
	 "it.",
	 "ip-sysctl.rst", "4.14"},
	{"net.ipv4.tcp_fack", "Forward acknowledgement recovers faster from loss.",
	 "Without effect: RACK (RFC 8985) took its place.", "ip-sysctl.rst; RFC 8985", "4.15"},
	{"tcp_adv_win_scale-2",
	 "net.ipv4.tcp_adv_win_scale set to 2, or to -2, gives more of the receive buffer to the "
	 "window.",
	 "Without effect: the kernel measures each connection's overhead and scales by that.",
	 "ip-sysctl.rst", "6.6"},
	{"tcp_mem-in-bytes", "net.ipv4.tcp_mem takes bytes, as tcp_rmem and tcp_wmem do.",
	 "It takes pages, mostly of 4096 bytes. Megabytes in it make a bound above all memory, "
	 "so that TCP may fill the machine before it feels pressure.",
	 "tcp(7); ip-sysctl.rst", ""},
	{"file-max-lowered",
	 "fs.file-max=100000, or another number from a guide, raises the limit.",
	 "On most machines the running value is far higher already: a tenth of the memory in "
	 "KiB, or the highest number there is under systemd. The guide's number lowers it.",
	 "fs/file_table.c files_maxfiles_init()", ""},
	{"tcp_max_tw_buckets-5000",
	 "net.ipv4.tcp_max_tw_buckets=5000 cures many connections in TIME_WAIT.",
	 "It destroys those beyond 5000 at once, without the protection against old segments "
	 "that TIME_WAIT is for. One costs about 250 bytes. The kernel's documentation says not "
	 "to lower it.",
	 "ip-sysctl.rst; RFC 1337", ""},
	{"tcp_fin_timeout-time-wait", "A lower net.ipv4.tcp_fin_timeout shortens TIME_WAIT.",
	 "TIME_WAIT lasts 60 seconds, fixed when the kernel is compiled. The knob is for "
	 "FIN_WAIT_2 of closed sockets.",
	 "include/net/tcp.h TCP_TIMEWAIT_LEN; ip-sysctl.rst", ""},
	{"tcp_tw_reuse-for-servers",
	 "net.ipv4.tcp_tw_reuse=1 helps a server with many connections in TIME_WAIT.",
	 "It works in connect() only. A server accepts; it helps the side that connects, and "
	 "closes first.",
	 "net/ipv4/inet_hashtables.c __inet_check_established()", ""},
	{"rmem_default-of-megabytes",
	 "net.core.rmem_default and wmem_default of megabytes speed up TCP.",
	 "TCP takes the second fields of tcp_rmem and tcp_wmem instead. All other sockets, UDP "
	 "and local ones, may then each hold megabytes.",
	 "net/ipv4/tcp.c tcp_init_sock(); socket(7)", ""},
	{"rmem_max-bounds-autotuning",
	 "net.core.rmem_max and wmem_max must be raised for TCP to use large windows.",
	 "They bound SO_RCVBUF and SO_SNDBUF. Autotuning goes up to the third fields of tcp_rmem "
	 "and tcp_wmem without regard to them.",
	 "tcp(7); net/ipv4/tcp_input.c tcp_rcv_space_adjust()", ""},
	{"tcp_abort_on_overflow-1",
	 "net.ipv4.tcp_abort_on_overflow=1 makes an overloaded server fail fast.",
	 "It turns a pause that a retransmission survives into resets that clients see as "
	 "errors.",
	 "ip-sysctl.rst; net/ipv4/tcp_minisocks.c tcp_check_req()", ""},
	{"somaxconn-above-65535", "The higher net.core.somaxconn, the better.",
	 "Before 4.1 the queue's length was kept in 16 bits: 65536 came to be 0, or was refused. "
	 "Now it fits, but clients at the end of so long a queue have left before they are "
	 "served.",
	 "commit becb74f0acca", "4.1"},
	{"tcp_max_syn_backlog-with-cookies",
	 "net.ipv4.tcp_max_syn_backlog must be raised for busy servers.",
	 "It counts only with net.ipv4.tcp_syncookies=0. With cookies, the default, the "
	 "listener's backlog bounds the half-open connections.",
	 "net/ipv4/tcp_input.c tcp_conn_request()", "4.4"},
	{"tcp_timestamps-0", "net.ipv4.tcp_timestamps=0 saves work.",
	 "It saves 12 bytes a segment and takes away tcp_tw_reuse, the protection against "
	 "wrapped sequence numbers, exact round trips, and window scaling under SYN cookies.",
	 "RFC 7323; net/ipv4/syncookies.c", ""},
	{"epoll-mmap", "epoll is fast because kernel and program share memory by mmap.",
	 "epoll_wait() copies the ready events. It is fast because only ready descriptors are "
	 "looked at.",
	 "fs/eventpoll.c ep_send_events()", ""},
	{"fd_setsize-2048", "select() takes 2048 descriptors.",
	 "FD_SETSIZE is 1024 in glibc, fixed when the program is compiled; a descriptor from "
	 "1024 up writes past the set. poll() and epoll have no such bound.",
	 "select(2)", ""},
	{"netdev_max_backlog-for-nics",
	 "A higher net.core.netdev_max_backlog stops packet loss of a fast interface.",
	 "Drivers with NAPI do not pass through that queue. It matters for loopback, RPS, "
	 "tunnels and veth; the proof is column 2 of softnet_stat. An interface that loses "
	 "packets counts rx_missed_errors.",
	 "net/core/dev.c enqueue_to_backlog()", ""},
};

size_t myth_count(void) { return sizeof(myths) / sizeof(*myths); }

const struct myth *myth_at(size_t i) { return &myths[i]; }
