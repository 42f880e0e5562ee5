#include "epolltune/flow.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/clock.h"

#define CHUNK (256u << 10)
/* Samples per round trip, and the minimum interval between two. */
#define SAMPLES_PER_RTT 4
#define INTERVAL_MIN_NS 5000000u
/* Minimum span of an evaluation: round trips, and time. */
#define LOOKED_AT_RTTS 4
#define LOOKED_AT_MIN_NS 160000000u
#define SAMPLES 256
/* Share of the pace that counts as reached: headers and rounding take the rest. */
#define PACE_REACHED 0.93
#define GROWTH 1.01
/* What rate and round trip say to be in flight exceeds what is counted by less than this factor:
 * measured 0.84 to 1.12, on a busy machine too. */
#define IN_FLIGHT_ERROR 1.15
#define START_MS 5000

struct flow_sample {
	uint64_t at_ns, acked, in_flight;
	uint64_t receiver_us, sender_us;
	uint32_t rtt_us, window, send_buffer, cwnd_bytes, retransmits;
};

/* Configuration and results that both ends share, in the lab's memory. */
struct flow_shared {
	struct flow_config config;
	union endpoint server, client; /* the server's has its port */
	struct flow_result result;
	uint64_t written; /* bytes that send() took */
	size_t count;     /* samples taken; the last SAMPLES are kept */
	struct flow_sample at[SAMPLES];
};

/* One end. Both hosts run the same code; the configuration says which one sends. */
struct end {
	struct flow_shared *shared;
	enum lab_host host;
	struct task_port *port;
	int sock;
	bool sends;
};

static void memory_read(int sock, uint32_t memory[SK_MEMINFO_VARS])
{
	socklen_t size = SK_MEMINFO_VARS * sizeof(*memory);
	memset(memory, 0, size);
	getsockopt(sock, SOL_SOCKET, SO_MEMINFO, memory, &size);
}

static void largest(uint32_t *into, uint32_t value)
{
	if (value > *into)
		*into = value;
}

static int end_options(const struct end *end, int sock)
{
	const struct flow_config *c = &end->shared->config;
	int size = end->sends ? c->send_buffer : c->receive_buffer, on = 1;
	if (size &&
	    setsockopt(sock, SOL_SOCKET, end->sends ? SO_SNDBUF : SO_RCVBUF, &size, sizeof(size)))
		return -errno;
	if (end->sends && c->pace_Bps)
		setsockopt(sock, SOL_SOCKET, SO_MAX_PACING_RATE, &c->pace_Bps, sizeof(c->pace_Bps));
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* Close with RST: undelivered data would pin memory, and the lab's namespace, for
	 * minutes. */
	struct linger reset = {.l_onoff = 1};
	setsockopt(sock, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return 0;
}

/* True if `events` occurred on the socket, false if the flow was ended or time is up. */
static bool end_await(const struct end *end, short events, int timeout_ms)
{
	struct pollfd fds[] = {{end->port->channel, POLLRDHUP, 0}, {end->sock, events, 0}};
	int n = (int)TEMP_FAILURE_RETRY(poll(fds, 2, timeout_ms));
	return n > 0 && !fds[0].revents && fds[1].revents;
}

static int end_listen(struct end *end)
{
	struct flow_shared *t = end->shared;
	socklen_t size = sizeof(t->server);
	int rc, listener = socket(t->server.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		return -errno;
	rc = end_options(end, listener);
	if (!rc && (bind(listener, &t->server.any, endpoint_size(&t->server)) ||
		    listen(listener, 1) || getsockname(listener, &t->server.any, &size)))
		rc = -errno;
	if (!rc && !task_answer(end->port, 0, NULL, NULL, 0))
		rc = -EPIPE;
	end->sock = listener;
	if (!rc && !end_await(end, POLLIN, START_MS))
		rc = -ETIMEDOUT;
	if (!rc) {
		end->sock = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		rc = end->sock < 0 ? -errno : end_options(end, end->sock);
	}
	close(listener);
	return rc;
}

static int end_connect(struct end *end)
{
	struct flow_shared *t = end->shared;
	int error = 0;
	socklen_t size = sizeof(error);
	end->sock = socket(t->server.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (end->sock < 0)
		return -errno;
	int rc = end_options(end, end->sock);
	if (!rc && (bind(end->sock, &t->client.any, endpoint_size(&t->client)) ||
		    (connect(end->sock, &t->server.any, endpoint_size(&t->server)) &&
		     errno != EINPROGRESS)))
		rc = -errno;
	if (!rc && !end_await(end, POLLOUT, START_MS))
		rc = -ETIMEDOUT;
	if (!rc && !getsockopt(end->sock, SOL_SOCKET, SO_ERROR, &error, &size))
		rc = -error;
	return rc;
}

static void sample_take(struct flow_shared *t, int sock)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	uint32_t memory[SK_MEMINFO_VARS];
	getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &size);
	memory_read(sock, memory);
	uint64_t left = info.tcpi_bytes_acked + info.tcpi_notsent_bytes;
	t->at[t->count++ % SAMPLES] = (struct flow_sample){
		.at_ns = clock_ns(),
		.acked = info.tcpi_bytes_acked,
		.in_flight = t->written > left ? t->written - left : 0,
		.receiver_us = info.tcpi_rwnd_limited,
		.sender_us = info.tcpi_sndbuf_limited,
		.rtt_us = info.tcpi_rtt,
		.window = info.tcpi_snd_wnd,
		.send_buffer = memory[SK_MEMINFO_SNDBUF],
		.cwnd_bytes = info.tcpi_snd_cwnd * info.tcpi_snd_mss,
		.retransmits = info.tcpi_total_retrans,
	};
	struct flow_result *r = &t->result;
	largest(&r->window, info.tcpi_snd_wnd);
	largest(&r->send_buffer, memory[SK_MEMINFO_SNDBUF]);
	largest(&r->send_held, memory[SK_MEMINFO_WMEM_QUEUED] + memory[SK_MEMINFO_FWD_ALLOC]);
}

/* Bytes per second by least squares over samples first to last. ACKs arrive in bursts: one burst
 * more or less would distort the difference of two samples. */
static double samples_slope(const struct flow_shared *t, size_t first, size_t last)
{
	const struct flow_sample *origin = &t->at[first % SAMPLES];
	double n = (double)(last - first + 1), x = 0, y = 0, xx = 0, xy = 0;
	for (size_t i = first; i <= last; i++) {
		const struct flow_sample *s = &t->at[i % SAMPLES];
		double dx = (double)(s->at_ns - origin->at_ns) / 1e9;
		double dy = (double)(s->acked - origin->acked);
		x += dx;
		y += dy;
		xx += dx * dx;
		xy += dx * dy;
	}
	double spread = n * xx - x * x;
	return spread > 0 ? (n * xy - x * y) / spread : 0;
}

/* Evaluates the last samples. */
static void samples_judge(struct flow_shared *t)
{
	struct flow_result *r = &t->result;
	uint64_t span = LOOKED_AT_RTTS * t->config.rtt_us * 1000;
	size_t last = t->count - 1, first = last;
	const struct flow_sample *b = &t->at[last % SAMPLES], *a = b;
	if (span < LOOKED_AT_MIN_NS)
		span = LOOKED_AT_MIN_NS;
	/* Skip the first sample, taken of the empty connection. */
	while (b->at_ns - a->at_ns < span && first > 1 && last - first < SAMPLES - 1)
		a = &t->at[--first % SAMPLES];
	if (last - first < LOOKED_AT_RTTS)
		return;
	uint64_t rtt_us = 0, in_flight = 0;
	double us = (double)(b->at_ns - a->at_ns) / 1000;
	for (size_t i = first; i <= last; i++) {
		rtt_us += t->at[i % SAMPLES].rtt_us;
		in_flight += t->at[i % SAMPLES].in_flight;
	}
	r->Bps = (uint64_t)samples_slope(t, first, last);
	r->rtt_us = (uint32_t)(rtt_us / (last - first + 1));
	r->in_flight = in_flight / (last - first + 1);
	r->receiver_share = (double)(b->receiver_us - a->receiver_us) / us;
	r->sender_share = (double)(b->sender_us - a->sender_us) / us;
	r->cwnd_bytes = b->cwnd_bytes;
	r->retransmits = b->retransmits;
	/* Two bursts of ACKs in little more than a round trip look like twice the rate. */
	double in_flight_min = (double)r->Bps * (double)t->config.rtt_us / 1e6 / IN_FLIGHT_ERROR;
	r->paced = t->config.pace_Bps && (double)r->in_flight >= in_flight_min &&
		   (double)r->Bps >= PACE_REACHED * (double)t->config.pace_Bps;
	/* A window that still grows is not the limit yet. */
	bool grows = (double)b->window > GROWTH * (double)a->window ||
		     (double)b->send_buffer > GROWTH * (double)a->send_buffer;
	r->settled = us * 1000 >= (double)span && !grows;
}

/* ACKs arrive in bursts: a point is the mean of a round trip. */
static void course_make(struct flow_shared *t, uint64_t start_ns)
{
	struct flow_result *r = &t->result;
	size_t first = t->count > SAMPLES ? t->count - SAMPLES : 0;
	size_t points = t->count - first;
	points = points > SAMPLES_PER_RTT ? points - SAMPLES_PER_RTT : 0;
	r->course_count = points < FLOW_COURSE ? points : FLOW_COURSE;
	for (size_t i = 0; i < r->course_count; i++) {
		size_t at = first + SAMPLES_PER_RTT + (i + 1) * points / r->course_count - 1;
		const struct flow_sample *b = &t->at[at % SAMPLES];
		const struct flow_sample *a = &t->at[(at - SAMPLES_PER_RTT) % SAMPLES];
		uint64_t ns = b->at_ns - a->at_ns;
		r->course[i] = (struct flow_point){
			(b->at_ns - start_ns) / 1000,
			ns ? (uint64_t)((double)(b->acked - a->acked) * 1e9 / (double)ns) : 0};
	}
}

static int end_send(struct end *end)
{
	static unsigned char chunk[CHUNK];
	struct flow_shared *t = end->shared;
	uint64_t interval = t->config.rtt_us * 1000 / SAMPLES_PER_RTT;
	if (interval < INTERVAL_MIN_NS)
		interval = INTERVAL_MIN_NS;
	uint64_t start = clock_ns(), next = start + interval;
	uint64_t stop = start + (uint64_t)t->config.max_ms * 1000000;
	/* As servers do, it sends when poll() says so: before that, each send() may exceed the
	 * buffer by a packet. */
	bool full = false;
	sample_take(t, end->sock);
	for (;;) {
		ssize_t n = full ? -1 : send(end->sock, chunk, sizeof(chunk), MSG_NOSIGNAL);
		if (!full && n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			t->written += (uint64_t)n;
		uint64_t now = clock_ns();
		if (now >= next) {
			sample_take(t, end->sock);
			samples_judge(t);
			if (t->result.settled || (t->result.paced && !t->config.steady) ||
			    now >= stop) {
				course_make(t, start);
				return 0;
			}
			next = now + interval;
		}
		if (n < 0) {
			struct pollfd fds[] = {{end->port->channel, POLLRDHUP, 0},
					       {end->sock, POLLOUT, 0}};
			uint64_t left = next > now ? next - now : 0;
			struct timespec timeout = {(time_t)(left / 1000000000u),
						   (long)(left % 1000000000u)};
			ppoll(fds, 2, &timeout, NULL);
			if (fds[0].revents)
				return -ECANCELED;
			full = !fds[1].revents;
		}
	}
}

static int end_receive(struct end *end)
{
	static unsigned char chunk[CHUNK];
	struct flow_result *r = &end->shared->result;
	for (;;) {
		uint32_t memory[SK_MEMINFO_VARS];
		memory_read(end->sock, memory);
		largest(&r->receive_buffer, memory[SK_MEMINFO_RCVBUF]);
		largest(&r->receive_held,
			memory[SK_MEMINFO_RMEM_ALLOC] + memory[SK_MEMINFO_FWD_ALLOC]);
		ssize_t n = recv(end->sock, chunk, sizeof(chunk), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return n ? -errno : 0;
		if (n < 0 && !end_await(end, POLLIN, -1))
			return 0;
	}
}

/* Measures an idle connection with an unread request: what it holds. */
static int end_idle(struct end *end)
{
	static const unsigned char request[4096];
	struct flow_shared *t = end->shared;
	uint32_t memory[SK_MEMINFO_VARS];
	size_t size =
		t->config.idle_bytes < sizeof(request) ? t->config.idle_bytes : sizeof(request);
	if (end->sends)
		return send(end->sock, request, size, MSG_NOSIGNAL) < 0 ? -errno : 0;
	if (!end_await(end, POLLIN, START_MS))
		return -ETIMEDOUT;
	memory_read(end->sock, memory);
	t->result.receive_held = memory[SK_MEMINFO_RMEM_ALLOC] + memory[SK_MEMINFO_FWD_ALLOC];
	t->result.receive_buffer = memory[SK_MEMINFO_RCVBUF];
	t->result.settled = true;
	return 0;
}

static int end_run(struct task_port *port, void *arg, enum lab_host host)
{
	struct end end = {.shared = arg, .host = host, .port = port, .sock = -1};
	struct flow_shared *t = end.shared;
	end.sends = t->config.sender == host;
	int rc = host == LAB_SERVER ? end_listen(&end) : end_connect(&end);
	if (!rc)
		rc = t->config.idle_bytes ? end_idle(&end)
		     : end.sends          ? end_send(&end)
					  : end_receive(&end);
	if (rc && rc != -ECANCELED && !t->result.error)
		t->result.error = -rc;
	/* The connection lasts until the flow is ended. */
	while (task_hear(port, NULL, 0))
		task_answer(port, 0, NULL, NULL, 0);
	return 0;
}

static int server_end(struct task_port *port, void *arg) { return end_run(port, arg, LAB_SERVER); }
static int client_end(struct task_port *port, void *arg) { return end_run(port, arg, LAB_CLIENT); }

double flow_window(const struct flow_result *r, uint64_t wire_rtt_us)
{
	uint64_t rtt_us = r->paced ? wire_rtt_us : r->rtt_us;
	double window = (double)r->Bps * (double)rtt_us / 1e6;
	if (!r->paced && r->window && window > r->window)
		window = r->window;
	return window > IN_FLIGHT_ERROR * (double)r->in_flight ? (double)r->in_flight : window;
}

int flow_start(struct flow *f, struct lab *lab, const struct flow_config *config, struct err *e)
{
	*f = (struct flow){.shared = lab_alloc(lab, sizeof(*f->shared), e)};
	if (!f->shared)
		return -ENOMEM;
	f->shared->config = *config;
	f->shared->server = lab_address(lab, LAB_SERVER, 0);
	f->shared->client = lab_address(lab, LAB_CLIENT, config->address);
	int rc = task_start(&f->tasks[LAB_SERVER], &(struct task_context){lab, LAB_SERVER},
			    server_end, f->shared, e);
	if (!rc)
		rc = task_await(&f->tasks[LAB_SERVER], NULL, 0, START_MS, e);
	if (!rc)
		rc = task_start(&f->tasks[LAB_CLIENT], &(struct task_context){lab, LAB_CLIENT},
				client_end, f->shared, e);
	if (rc)
		flow_stop(f);
	return rc;
}

int flow_wait(struct flow *f, struct flow_result *out, struct err *e)
{
	const struct flow_config *c = &f->shared->config;
	/* The receiver has the result of an idle connection, else the sender. */
	enum lab_host knows = c->idle_bytes ? (enum lab_host) !c->sender : c->sender;
	int timeout = (int)c->max_ms + (int)(c->rtt_us / 1000) + 2 * START_MS;
	int rc = task_ask(&f->tasks[knows], NULL, 0, NULL, 0, timeout, e);
	*out = f->shared->result;
	flow_stop(f);
	if (!rc && out->error)
		rc = err_set(e, out->error, "bulk connection in the lab: %s", strerror(out->error));
	return rc;
}

void flow_stop(struct flow *f)
{
	/* Waits for their exit: the memory is reused. */
	task_end_all(f->tasks, 2);
}
