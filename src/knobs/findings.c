#include "knobs/findings.h"

static const struct finding_row findings[] = {
	{"descriptors.process.short",
	 "The hard limit on descriptors lets no process hold the target's connections, whatever "
	 "it does.",
	 "Raise RLIMIT_NOFILE where the server is started: LimitNOFILE= in its systemd unit, or "
	 "limits.conf. Above fs.nr_open, raise that first.",
	 "EMFILE from accept(2)"},
	{"descriptors.process.tight",
	 "The hard limit on descriptors suffices for the target, with less than a quarter to "
	 "spare.",
	 "As for descriptors.process.short, before the load grows.", "EMFILE from accept(2)"},
	{"descriptors.process.soft-limit",
	 "The hard limit suffices, but a server that does not raise its soft limit by itself "
	 "stops below the target.",
	 "Let the server raise it (worker_rlimit_nofile of nginx, for example), or raise the "
	 "soft limit where it is started.",
	 "EMFILE from accept(2)"},
	{"descriptors.system.short",
	 "The machine as a whole has too few open files left for the target's connections.",
	 "Raise fs.file-max; look in fs.file-nr for what takes so many.",
	 "ENFILE from accept(2); fs.file-nr against fs.file-max"},
	{"descriptors.system.tight",
	 "The machine as a whole has enough open files left for the target, with less than a "
	 "quarter to spare.",
	 "As for descriptors.system.short, before the load grows.",
	 "fs.file-nr against fs.file-max"},
	{"epoll.watches.short", "One user may not register the target's connections in epoll sets.",
	 "Raise fs.epoll.max_user_watches, or run the workers as different users.",
	 "ENOSPC from epoll_ctl(2)"},
	{"epoll.watches.tight",
	 "One user may register the target's connections, with less than a quarter to spare.",
	 "As for epoll.watches.short, before the load grows.", "ENOSPC from epoll_ctl(2)"},
	{"memory.connection.short",
	 "The target's connections would take more kernel memory than the machine can give.",
	 "No knob makes a connection smaller than it is: add memory, or spread the connections "
	 "over more machines.",
	 "Slab caches (TCP, sock_inode_cache, filp, dentry, eventpoll) counted for each "
	 "connection, against MemAvailable"},
	{"memory.connection.tight",
	 "The target's connections would take most of the memory that the machine can give.",
	 "As for memory.connection.short, before the load grows.",
	 "Slab caches counted for each connection, against MemAvailable"},
	{"accept-queue.short",
	 "While the server pauses, more clients arrive than its accept queue holds. Those beyond "
	 "are dropped and come again after a second or more.",
	 "Raise net.core.somaxconn and the backlog that the server passes to listen(), then "
	 "restart the server. Or shorten its pauses.",
	 "TcpExt.ListenOverflows grows; none at the proposed value"},
	{"accept-queue.tight",
	 "The accept queue holds the clients of a pause, with less than a quarter to spare.",
	 "As for accept-queue.short, before the load grows.",
	 "TcpExt.ListenOverflows beyond the measured capacity"},
	{"accept-queue.application",
	 "A server that runs here passed to listen() less than the target needs: its own "
	 "configuration bounds its accept queue, not the kernel.",
	 "Raise the backlog in the server's configuration and restart it.",
	 "The listener's limit by inet_diag (Send-Q of ss -ltn) is below net.core.somaxconn"},
	{"accept-queue.abort-on-overflow",
	 "net.ipv4.tcp_abort_on_overflow is set: clients that meet a full accept queue are reset "
	 "where a retransmission would have let them in.",
	 "Set it to 0, unless something before the server turns resets into another try.",
	 "TcpExt.EmbryonicRsts grows with TcpExt.ListenOverflows"},
	{"syn-queue.short",
	 "More handshakes are half open at a time, rate times round trip, than the listener's SYN "
	 "queue holds. With tcp_syncookies those beyond are answered with a cookie, without they "
	 "are dropped and come again after a second or more.",
	 "With tcp_syncookies=1 raise net.core.somaxconn and the backlog that the server passes to "
	 "listen(); net.ipv4.tcp_max_syn_backlog does nothing then. With tcp_syncookies=0 raise "
	 "net.ipv4.tcp_max_syn_backlog as well, three quarters of which are for new clients.",
	 "TcpExt.TCPReqQFullDoCookies, or TcpExt.ListenDrops, grows; half-open connections by "
	 "inet_diag; none beyond at the proposed value"},
	{"syn-queue.tight",
	 "The SYN queue holds the target's half-open connections, with less than a quarter to "
	 "spare.",
	 "As for syn-queue.short, before the load grows.", "As for syn-queue.short"},
	{"syn-queue.application",
	 "What the server passes to listen() bounds its SYN queue below the target, not the "
	 "kernel.",
	 "Raise the backlog in the server's configuration and restart it.",
	 "TcpExt.TCPReqQFullDoCookies grows; none at the proposed value"},
	{"ports.connect-rate",
	 "How many connections a second one client opens here, by who closes first, from one and "
	 "from several source addresses, over veth and over loopback.",
	 "Compare no connect rates that do not tell all three. Who closes first keeps the "
	 "connection in TIME_WAIT for 60 seconds, and a client then its port.",
	 "The experiment, in the finding"},
	{"ports.ephemeral.short",
	 "A proxy has fewer ports from one source address to one destination than it needs "
	 "connections.",
	 "Widen net.ipv4.ip_local_port_range, give it more source addresses or destinations, set "
	 "IP_BIND_ADDRESS_NO_PORT where it calls bind(), and keep idle connections for reuse.",
	 "EADDRNOTAVAIL from connect(2) at that number; none at the proposed range"},
	{"ports.ephemeral.tight",
	 "A proxy has as many ports as it needs connections, with less than a quarter to spare.",
	 "As for ports.ephemeral.short, before the load grows.",
	 "EADDRNOTAVAIL from connect(2) at that number"},
	{"time-wait.short",
	 "Closing first at the target's rate leaves more connections in TIME_WAIT than may wait; "
	 "those beyond are closed at once.",
	 "Raise net.ipv4.tcp_max_tw_buckets, or let the other side close first, or keep "
	 "connections for reuse.",
	 "TcpExt.TCPTimeWaitOverflow grows; none at the proposed value"},
	{"time-wait.tight",
	 "What the target's rate leaves in TIME_WAIT may wait, with less than a quarter to spare.",
	 "As for time-wait.short, before the load grows.", "As for time-wait.short"},
	{"buffers.receive.short",
	 "The receive buffer bounds one connection below the target's bandwidth over its round "
	 "trip.",
	 "Raise the third field of net.ipv4.tcp_rmem, or turn on what keeps buffers from growing: "
	 "net.ipv4.tcp_moderate_rcvbuf, net.ipv4.tcp_window_scaling.",
	 "The buffer has grown to its bound while the sender waited for the window "
	 "(rwnd_limited); the same connection at the proposed value"},
	{"buffers.receive.tight",
	 "The receive buffer carries the target's bandwidth over its round trip, with less than a "
	 "quarter to spare.",
	 "As for buffers.receive.short, before the path grows.", "As for buffers.receive.short"},
	{"buffers.receive.application",
	 "A program that sets SO_RCVBUF itself turns autotuning off and gets less than the "
	 "target, even with as much as it may ask for.",
	 "Do not set SO_RCVBUF. Where a program must, raise net.core.rmem_max for it.",
	 "A connection with SO_RCVBUF at net.core.rmem_max over the target's round trip"},
	{"buffers.send.short",
	 "The send buffer bounds one connection below the target's bandwidth over its round trip.",
	 "Raise the third field of net.ipv4.tcp_wmem.",
	 "The buffer has grown to its bound while the sender waited for it (sndbuf_limited); the "
	 "same connection at the proposed value"},
	{"buffers.send.tight",
	 "The send buffer carries the target's bandwidth over its round trip, with less than a "
	 "quarter to spare.",
	 "As for buffers.send.short, before the path grows.", "As for buffers.send.short"},
	{"buffers.send.application",
	 "A program that sets SO_SNDBUF itself turns autotuning off and gets less than the "
	 "target, even with as much as it may ask for.",
	 "Do not set SO_SNDBUF. Where a program must, raise net.core.wmem_max for it.",
	 "A connection with SO_SNDBUF at net.core.wmem_max over the target's round trip"},
	{"buffers.skipped", "The target's path is longer or wider than the lab's wire can make it.",
	 "None is needed: what is reported is derived from the settings.",
	 "Bandwidth times round trip above 64 MiB, or a round trip above 1 s"},
	{"buffers.memory.short",
	 "The buffers of the target's connections, each with a request waiting, are more than all "
	 "TCP sockets together may take.",
	 "Raise net.ipv4.tcp_mem (pages, not bytes) where the machine has the memory; add memory "
	 "where it has not.",
	 "sockstat.TCP.mem near the second field of net.ipv4.tcp_mem; TcpExt.TCPMemoryPressures"},
	{"buffers.memory.pressure",
	 "All TCP sockets together hold more than the second field of net.ipv4.tcp_mem now, so "
	 "that no buffer grows and windows shrink.",
	 "Find the sockets with full queues (ss -tm) and their programs. Raise net.ipv4.tcp_mem "
	 "only when what they hold is wanted.",
	 "sockstat.TCP.mem at or above the second field; TcpExt.TCPMemoryPressures grows"},
	{"buffers.memory.tight",
	 "The buffers of the target's connections fit in what all TCP sockets together may take, "
	 "with less than a quarter to spare.",
	 "As for buffers.memory.short, before the load grows.", "As for buffers.memory.short"},
	{"readiness.level-lost",
	 "Level-triggered epoll lost readiness: data waited and no event came.",
	 "Report it to whoever provides this kernel; until then drain every socket to EAGAIN.",
	 "The experiment, in the finding"},
	{"readiness.level-spin", "Level-triggered epoll reported what was not ready.",
	 "Report it to whoever provides this kernel: each such wakeup is for nothing.",
	 "The experiment, in the finding"},
	{"readiness.lost-edge",
	 "Edge-triggered epoll lost an event: a server with EPOLLET hangs on it.",
	 "Use level triggering on this kernel.", "The experiment, in the finding"},
	{"readiness.edge-repeats", "Edge-triggered epoll reported an event again with nothing new.",
	 "None is needed: correct servers bear it.", "The experiment, in the finding"},
	{"readiness.oneshot", "EPOLLONESHOT reported a descriptor again before it was armed again.",
	 "Lock each connection, or give each thread a set of its own.",
	 "The experiment, in the finding"},
	{"readiness.exclusive", "EPOLLEXCLUSIVE woke all waiters, or none.",
	 "Use SO_REUSEPORT with a listener for each worker.", "The experiment, in the finding"},
	{"readiness.duplicate",
	 "A closed descriptor with a duplicate was handled differently than on Linux.",
	 "Take a descriptor out with EPOLL_CTL_DEL before closing it.",
	 "The experiment, in the finding"},
	{"readiness.rdhup", "A half-closed connection was not reported as documented.",
	 "Do not count on EPOLLRDHUP: read until 0.", "The experiment, in the finding"},
	{"readiness.nested", "An epoll set inside another did not work as documented.",
	 "Do not nest sets on this kernel; some language runtimes do.",
	 "The experiment, in the finding"},
	{"readiness.shared-memory",
	 "epoll shared memory with the process. Linux copies events out and maps nothing.",
	 "None is needed: this kernel is another one.", "The experiment, in the finding"},
	{"readiness.select-size", "select() ended elsewhere than at 1024 descriptors.",
	 "Use epoll or poll().", "The experiment, in the finding"},
	{"readiness.as-documented", "epoll kept its promises in every experiment on this kernel.",
	 "Nothing.", "The experiments, counted in the finding"},
	{"readiness.skipped", "Some experiments on epoll could not be made here.",
	 "See the finding for which, and why.", "The reasons, in the finding"},
	{"softnet.backlog.drops",
	 "Packets were dropped while the check watched, because a CPU's backlog was full: "
	 "packets of loopback, of RPS, of tunnels and of veth wait there.",
	 "Raise net.core.netdev_max_backlog. If one CPU takes it all, spread first.",
	 "Column 2 of /proc/net/softnet_stat grows, while most packets came by interfaces "
	 "of this namespace"},
	{"softnet.backlog.past",
	 "Packets have been dropped at a full backlog since boot, at least one in a thousand, but "
	 "not while the check watched.",
	 "Nothing yet; watch longer with --window, under load.",
	 "Column 2 of /proc/net/softnet_stat"},
	{"softnet.budget.squeezed",
	 "Receive softirqs end again and again with work left: the budget of packets or of "
	 "time is too small for what comes.",
	 "Raise net.core.netdev_budget and netdev_budget_usecs, if the CPU has time to "
	 "spare; else spread over more CPUs.",
	 "Column 3 of /proc/net/softnet_stat grows by ten a second or more, while most "
	 "packets came by interfaces of this namespace"},
	{"softnet.budget.past",
	 "Receive softirqs have often ended with work left since boot, for one in a thousand "
	 "packets "
	 "or more, but not while the check watched.",
	 "Nothing yet; watch longer with --window, under load.",
	 "Column 3 of /proc/net/softnet_stat"},
	{"nic.ring.overrun",
	 "An interface lost packets while the check watched, because its receive ring was "
	 "full.",
	 "Raise the ring (ethtool -G), if it is below its maximum; else serve it more "
	 "often: more queues, or CPUs with time to spare.",
	 "rx_missed_errors, rx_fifo_errors, rx-hw-drop-overruns or the driver's own "
	 "counter grows"},
	{"nic.ring.past",
	 "An interface has lost packets since boot, at least one in a thousand, but not while the "
	 "check watched.",
	 "Nothing yet; watch longer with --window, under load.",
	 "rx_missed_errors, rx_fifo_errors, rx-hw-drop-overruns or the driver's own "
	 "counter"},
	{"nic.queues.one-cpu",
	 "One CPU takes almost all packets, and spends at least half of its time on that, "
	 "while others are free.",
	 "More queues (ethtool -L), as far as the device has them; RPS where it has one "
	 "only.",
	 "Column 1 of /proc/net/softnet_stat by CPU; softirq time in /proc/stat"},
	{"nic.offload",
	 "An offload that an epoll server gains from is off, though the device could.",
	 "Turn it on: ethtool -K.", "ethtool -k"},
	{"nic.qdisc", "An interface sends through a qdisc that delays or limits on purpose.",
	 "Remove it, if nobody means it any more.", "tc qdisc show"},
	{"nic.coalesce", "An interface waits long before it interrupts, and does not adapt.",
	 "Lower rx-usecs, or turn adaptive-rx on (ethtool -C), if small requests are to be "
	 "answered fast.",
	 "ethtool -c"},
	{"nic.affinity", "An interface has several queues, but all their interrupts go to one CPU.",
	 "irqbalance, or /proc/irq/*/smp_affinity_list.",
	 "/proc/irq/*/smp_affinity_list; epolltune list --nic"},
	{"napi.latency.deferred",
	 "An interface defers its interrupts, which delays every packet unless the server "
	 "busy polls.",
	 "Set gro_flush_timeout and napi_defer_hard_irqs to 0, unless the server polls "
	 "with prefer_busy_poll.",
	 "Request latency with the host's setting and with both at 0, measured in a lab"},
	{"napi.latency.busy-poll", "Epoll busy polling would answer requests faster, for CPU time.",
	 "See explain epoll-busy-poll: the application sets it.",
	 "Request latency and CPU time without and with it, measured in a lab in "
	 "interleaved rounds"},
	{"napi.latency.too-busy",
	 "The rounds of the measurement lie too far apart to tell what busy polling gains: "
	 "something else kept the machine busy.",
	 "Try again when it is quiet; --window gives more rounds.",
	 "The spread of the rounds, in the finding"},
	{"napi.latency.untried",
	 "Some ways to receive could not be measured, for want of a newer kernel, of root or of a "
	 "second CPU.",
	 "See the finding for which, and what it takes.",
	 "ENOTTY from ioctl_eventpoll(2); no irq-suspend-timeout in napi-get"},
	{"knob.myth",
	 "A knob stands at a value that goes round as advice and gains nothing, or does harm.",
	 "See what explain says of the myth that the finding names.",
	 "The running value, in the finding"},
	{"lab.refused",
	 "This system refuses the private namespaces that experiments run in, or the TUN device "
	 "of a wire with a round trip, so only what is harmless was measured in place, or nothing.",
	 "Run as root, or allow what the finding names: /dev/net/tun, or user namespaces: "
	 "user.max_user_namespaces above 0, "
	 "kernel.unprivileged_userns_clone=1 (Debian), "
	 "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), or the container's seccomp "
	 "profile.",
	 "EPERM from unshare(2), EACCES or ENOENT from /dev/net/tun"},
	{"lab.uncopied",
	 "Some knobs of the calling network namespace could not be copied into the lab, where "
	 "they stood at the kernel's defaults.",
	 "Run as root, or see what the finding says of each: what depends on them is derived, "
	 "not measured.",
	 "The names, in the finding"},
	{"probe.failed",
	 "An experiment ended with an error. What was read before it stands in the report, as "
	 "inspected or derived.",
	 "See the error in the finding; try again, or with --probe and that probe alone.",
	 "The error, in the finding"},
};

size_t finding_row_count(void) { return sizeof(findings) / sizeof(*findings); }

const struct finding_row *finding_row_at(size_t i) { return &findings[i]; }
