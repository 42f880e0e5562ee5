/* The relay of the delay wire and its two TUN devices. */
#include "lab/wire_delay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/quantity.h"
#include "epolltune/task.h"
#include "lab/delay_line.h"
#include "lab/flow_memory.h"
#include "lab/internal.h"

#define NS 1000000000u
/* Sizes the memory of an unpaced path: more than one relay thread carries. */
#define UNPACED_BPS 16000000000u
#define QUEUE_MIN ((uint64_t)256 << 10)
/* Packets read from one device before due packets are delivered. */
#define READ_BATCH 16
/* Queue length of the devices: packets that wait while the relay waits for a CPU. */
#define DEVICE_QUEUE 5000
/* That of most paths. */
#define MTU 1500
/* Minimum sample for a verdict. */
#define WIRE_TELLING 20
/* Scheduler slice of the relay: a short slice preempts a long one (6.12). */
#define SLICE_NS 100000

struct relay {
	struct wire_stats *stats;
	uint64_t late_ns;
	struct flow_memory *flows; /* of both directions; NULL: forgets nothing */
	struct relay_way {
		int from, to;
		struct delay_line *line;
		struct wire_way *way;
		uint64_t looked; /* when the device was last known to be empty */
	} ways[2];
};

struct delay_line_config wire_delay_line(const struct wire_delay_config *c, unsigned way)
{
	uint64_t filled = (uint64_t)((double)c->bandwidth_bps / 8 * (double)c->rtt_us / 1e6);
	uint64_t queue = c->queue_bytes ? c->queue_bytes : filled;
	return (struct delay_line_config){
		.delay_ns = c->rtt_us * 1000 / 2,
		.bandwidth_bps = c->bandwidth_bps,
		.queue_bytes = queue > QUEUE_MIN ? queue : QUEUE_MIN,
		.header_bytes = sizeof(struct virtio_net_hdr),
		.loss = c->loss,
		.seed = c->seed + way,
	};
}

static size_t line_memory(const struct wire_delay_config *c)
{
	struct delay_line_config line = wire_delay_line(c, 0);
	size_t size = delay_line_memory(&line, UNPACED_BPS);
	/* Without pacing, packets that do not fit are dropped and counted. */
	if (!c->bandwidth_bps && size > WIRE_DELAY_MEMORY / 2)
		size = WIRE_DELAY_MEMORY / 2;
	return size;
}

int wire_delay_check(const struct wire_delay_config *c, struct err *e)
{
	if (c->rtt_us > WIRE_DELAY_RTT_MAX_US)
		return err_set(e, ERANGE, "delay wire: RTT %.3g s exceeds the maximum of 1 s",
			       (double)c->rtt_us / 1e6);
	if (!(c->loss >= 0 && c->loss <= 1))
		return err_set(e, EINVAL, "delay wire: loss %g is not between 0 and 1", c->loss);
	size_t size = line_memory(c);
	char text[4][32];
	if (size == 0 || size > WIRE_DELAY_MEMORY / 2)
		return err_set(
			e, ERANGE,
			"delay wire: %s at an RTT of %s needs %s of memory, the maximum is %s: "
			"lower the bandwidth or the RTT",
			quantity_format(text[0], sizeof(text[0]), QUANTITY_BANDWIDTH,
					c->bandwidth_bps),
			quantity_format(text[1], sizeof(text[1]), QUANTITY_DURATION, c->rtt_us),
			quantity_format(text[2], sizeof(text[2]), QUANTITY_SIZE, 2 * size),
			quantity_format(text[3], sizeof(text[3]), QUANTITY_SIZE,
					WIRE_DELAY_MEMORY));
	return 0;
}

/* Creates the wire's end in the calling network namespace; returns its descriptor. */
static int device_open(const struct wire_delay_config *config, struct err *e)
{
	CLEAN(close_fd) int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		int rc = err_set(e, errno, "cannot open /dev/net/tun (%s)", strerror(errno));
		err_remedy(e, "%s",
			   rc == -EACCES || rc == -EPERM ? "run as root, or: chmod 666 /dev/net/tun"
							 : "load its module: modprobe tun");
		return rc;
	}
	struct ifreq ifr = {.ifr_name = LAB_DEVICE,
			    .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	if (ioctl(fd, TUNSETIFF, &ifr))
		return err_errno(e, "delay wire: create a TUN device");
	unsigned offload = config->loss > 0 ? 0 : TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	if (ioctl(fd, TUNSETOFFLOAD, offload))
		return err_errno(e, "delay wire: set the offloads of a TUN device");
	int rc = wire_size(MTU, DEVICE_QUEUE, e);
	if (rc)
		return rc;
	int open_fd = fd;
	fd = -1;
	return open_fd;
}

static void count_late(struct relay *r, struct wire_way *way, uint64_t ns)
{
	way->late_ns += ns;
	if (ns > r->late_ns)
		way->late++;
}

/* Delivers due packets. Returns 0, or a negative errno if the device is gone. */
static int relay_deliver(struct relay *r, struct relay_way *w)
{
	size_t length;
	const void *packet;
	uint64_t now = clock_ns();
	while ((packet = delay_line_peek(w->line, now, &length))) {
		uint64_t error = now - delay_line_next(w->line);
		histogram_add(&r->stats->error, error);
		count_late(r, w->way, error);
		w->way->packets++;
		w->way->bytes += length - sizeof(struct virtio_net_hdr);
		if (write(w->to, packet, length) < 0) {
			if (errno == EBADFD || errno == EBADF)
				return -errno;
			/* EIO: the device is not up yet; the kernel sent this packet by itself. */
			w->way->refused += errno != EIO;
		}
		delay_line_pop(w->line);
		now = clock_ns();
	}
	return 0;
}

static bool passes(struct relay *r, const unsigned char *packet, size_t length, uint64_t now)
{
	const size_t header = sizeof(struct virtio_net_hdr);
	return !r->flows || length < header ||
	       flow_memory_passes(r->flows, packet + header, length - header, now);
}

/* Reads up to READ_BATCH packets. Returns 1 if the device may have more, 0 if it is empty, or a
 * negative errno if it is gone. */
static int relay_take(struct relay *r, struct relay_way *w)
{
	for (unsigned i = 0; i < READ_BATCH; i++) {
		unsigned char *packet = delay_line_space(w->line);
		ssize_t n = read(w->from, packet, DELAY_LINE_PACKET);
		uint64_t now = clock_ns();
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n < 0) {
			w->looked = now;
			return 0;
		}
		/* It arrived after the device was last seen empty: an upper bound of its wait. */
		count_late(r, w->way, now - w->looked);
		if (!passes(r, packet, (size_t)n, now)) {
			w->way->forgotten++;
			continue;
		}
		switch (delay_line_push(w->line, (size_t)n, now)) {
		case DELAY_LINE_TAKEN:
			break;
		case DELAY_LINE_DROPPED:
			w->way->dropped++;
			w->way->overrun += !w->line->config.bandwidth_bps;
			break;
		case DELAY_LINE_LOST:
			w->way->lost++;
			break;
		}
	}
	return 1;
}

/* Waits for a packet or the next due time. */
static void relay_wait(struct relay *r)
{
	uint64_t next = delay_line_next(r->ways[0].line);
	if (delay_line_next(r->ways[1].line) < next)
		next = delay_line_next(r->ways[1].line);
	uint64_t now = clock_ns(), left = next > now ? next - now : 0;
	if (!left)
		return;
	struct timespec timeout = {(time_t)(left / NS), (long)(left % NS)};
	struct pollfd fds[] = {{r->ways[0].from, POLLIN, 0}, {r->ways[1].from, POLLIN, 0}};
	ppoll(fds, 2, next == UINT64_MAX ? NULL : &timeout, NULL);
	/* After a sleep, the time since the last look is no measure of a packet's wait. */
	r->ways[0].looked = r->ways[1].looked = clock_ns();
}

static int relay_loop(struct relay *r)
{
	for (;;) {
		int more = 0;
		for (unsigned i = 0; i < 2; i++) {
			int rc = relay_deliver(r, &r->ways[i]);
			if (!rc)
				rc = relay_take(r, &r->ways[i]);
			if (rc < 0)
				return rc;
			more |= rc;
		}
		if (!more)
			relay_wait(r);
	}
}

/* Asks for microsecond timers and a short slice, at the caller's priority (nice, chrt). A refusal
 * is not an error: it shows as lateness. */
static void relay_hurry(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {0};
	prctl(PR_SET_TIMERSLACK, 1UL);
	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) || attr.policy != SCHED_OTHER)
		return;
	attr.runtime = SLICE_NS;
	syscall(SYS_sched_setattr, 0, &attr, 0);
}

/* Relays packets until a device is gone. */
static void relay_run(int server_fd, int client_fd, const struct wire_delay_config *config,
		      struct wire_stats *stats)
{
	size_t ring = line_memory(config);
	struct delay_line *lines = mmap(NULL, 2 * (sizeof(*lines) + ring), PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	static struct flow_memory flows;
	if (lines == MAP_FAILED) {
		stats->ended = errno;
		return;
	}
	struct relay r = {.stats = stats, .late_ns = WIRE_LATE_US(config->rtt_us) * 1000};
	flows.idle_ns = config->forget_us * 1000;
	if (config->forget_us)
		r.flows = &flows;
	for (unsigned i = 0; i < 2; i++) {
		struct delay_line_config line = wire_delay_line(config, i);
		delay_line_init(&lines[i], &line, (unsigned char *)(lines + 2) + i * ring, ring);
		r.ways[i] = (struct relay_way){.from = i ? client_fd : server_fd,
					       .to = i ? server_fd : client_fd,
					       .line = &lines[i],
					       .way = &stats->way[i],
					       .looked = clock_ns()};
		fcntl(r.ways[i].from, F_SETFL, O_NONBLOCK);
	}
	relay_hurry();
	stats->ended = -relay_loop(&r);
	munmap(lines, 2 * (sizeof(*lines) + ring));
}

int wire_delay_give(int socket, const struct wire_delay_config *config, struct err *e)
{
	CLEAN(close_fd) int tun = device_open(config, e);
	if (tun < 0)
		return tun;
	return task_send_fds(socket, &tun, 1, e);
}

/* The relay keeps the two devices, its standard streams and its memory. */
static void relay_main(int server, int client, const struct wire_delay_config *config,
		       struct wire_stats *stats)
{
	struct err e = {0};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fds[2] = {fcntl(server, F_DUPFD, 16), fcntl(client, F_DUPFD, 16)};
	dup2(fds[0], 3);
	dup2(fds[1], 4);
	close_descriptors(5, ~0U);
	/* It needs none of a lab's three capabilities. */
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};
	if (seal_capabilities(SEAL_NETWORK, &e) || syscall(SYS_capset, &header, none))
		stats->ended = e.code ? e.code : errno;
	else
		relay_run(3, 4, config, stats);
	_exit(1);
}

int wire_delay_join(int socket, const struct wire_delay_config *config, struct wire_stats *stats,
		    struct err *e)
{
	CLEAN(close_fd) int server = device_open(config, e);
	if (server < 0)
		return server;
	CLEAN(close_fd) int client = -1;
	int rc = task_receive_fds(socket, &client, 1, e);
	if (rc == -EPIPE)
		return err_set(e, ECHILD, "delay wire: the client's host exited");
	if (rc < 0)
		return err_prefix(e, "delay wire");
	pid_t relay = fork();
	if (relay < 0)
		return fork_refused(e, "delay wire: start the relay");
	if (relay == 0)
		relay_main(server, client, config, stats);
	return 0;
}

static bool way_limits(const struct wire_way *before, const struct wire_way *after, uint64_t rtt_us)
{
	uint64_t packets = after->packets - before->packets;
	if (after->overrun > before->overrun || after->refused > before->refused ||
	    after->unread > before->unread)
		return true;
	if (packets < WIRE_TELLING)
		return false;
	uint64_t allowed_us = rtt_us / 10 > 500 ? rtt_us / 10 : 500;
	return (after->late - before->late) * 5 > packets ||
	       after->late_ns - before->late_ns > packets * allowed_us * 1000;
}

bool wire_limits(const struct wire_way before[2], const struct wire_stats *now, uint64_t rtt_us)
{
	return now->ended || way_limits(&before[0], &now->way[0], rtt_us) ||
	       way_limits(&before[1], &now->way[1], rtt_us);
}
