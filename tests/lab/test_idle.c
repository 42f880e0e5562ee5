/* Idle connections over a wire that forgets them, and the keepalive timers of live ones. */
#include "../support/support.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epolltune/connections.h"
#include "epolltune/idle_flows.h"
#include "epolltune/lab.h"
#include "epolltune/wire.h"

static struct host *host;
static struct lab *lab;

static int prepare(void **state)
{
	struct err e;
	return host_open(&host, "/", &e);
}

static int leave(void **state)
{
	host_close(host);
	return 0;
}

static int teardown(void **state)
{
	lab_close(lab);
	lab = NULL;
	return 0;
}

static void lab_make(struct lab_options options)
{
	struct err e = {0};
	if (lab_open(&lab, &options, host, &e))
		skip_because("%s", e.text);
}

enum { WITHOUT, LONGER, SHORTER, FLOWS };

/* The same experiment is repeated on a busy machine, where a keepalive probe may come too late. */
static void flows_are(uint64_t forget_us, uint64_t silent_us, bool forgets)
{
	struct idle_flow f[FLOWS];
	struct err e = {0};
	lab_make((struct lab_options){
		.wire = LAB_WIRE_DELAY, .rtt_us = 1000, .forget_us = forget_us});
	do {
		f[WITHOUT] = (struct idle_flow){0};
		f[LONGER] = (struct idle_flow){.keepidle_s = 60};
		f[SHORTER] = (struct idle_flow){.keepidle_s = 1};
		if (idle_flows_run(lab, f, FLOWS, silent_us, &e))
			fail_msg("%s", e.text);
	} while (!f[SHORTER].acknowledged && may_try_again());
	const struct wire_way *way = &lab_wire_look(lab)->way[LAB_SERVER];
	assert_true(f[SHORTER].acknowledged);
	for (size_t i = WITHOUT; i <= LONGER; i++) {
		assert_int_equal(f[i].acknowledged, !forgets);
		assert_true(!forgets || f[i].retransmits);
	}
	/* Of each, the write and a retransmission at least. */
	if (forgets ? way->forgotten < 4 : way->forgotten > 0)
		fail_msg("%llu packets forgotten", (unsigned long long)way->forgotten);
	assert_int_equal(way->lost + way->dropped, 0);
}

static void a_forgotten_connection_retransmits_and_keepalive_keeps_one(void **state)
{
	flows_are(1300000, 1450000, true);
}

static void a_wire_that_remembers_drops_nothing(void **state) { flows_are(0, 100000, false); }

/* Connections to a listener of the lab, in its memory. */
struct timers {
	int idle_s; /* TCP_KEEPIDLE of the listener; 0: without SO_KEEPALIVE */
	struct connection_states states;
};

static bool any(const struct listener *l, void *arg) { return l->kind == LISTENER_TCP; }

static int timers_read(struct host *h, void *arg, struct err *e)
{
	struct timers *t = arg;
	struct listeners l = {0};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	const int on = 1;
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	if (t->idle_s &&
	    (setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) ||
	     setsockopt(listener, IPPROTO_TCP, TCP_KEEPIDLE, &t->idle_s, sizeof(t->idle_s))))
		return err_errno(e, "keepalive");
	if (bind(listener, (struct sockaddr *)&a, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&a, &size) ||
	    connect(client, (struct sockaddr *)&a, size))
		return err_errno(e, "connect");
	int rc = listeners_read_tcp(h, &l, e);
	if (!rc)
		rc = connections_states(h, &l, any, NULL, &t->states, e);
	listeners_free(&l);
	close(client);
	close(listener);
	return rc;
}

static void timers_show_keepalive(void **state)
{
	static const int idle_s[] = {0, 240, 30000};
	struct err e = {0};
	lab_make((struct lab_options){.wire = LAB_WIRE_VETH});
	for (size_t i = 0; i < sizeof(idle_s) / sizeof(*idle_s); i++) {
		size_t mark = lab_mark(lab);
		struct timers *t = lab_alloc(lab, sizeof(*t), &e);
		assert_non_null(t);
		t->idle_s = idle_s[i];
		int rc = lab_call(lab, LAB_SERVER, timers_read, t, &e);
		if (rc == -EOPNOTSUPP)
			skip_because("%s", e.text);
		if (rc)
			fail_msg("%s", e.text);
		assert_int_equal(t->states.count, 1);
		const struct connection_state *s = &t->states.at[0];
		assert_int_equal(s->keepalive, idle_s[i] ? KEEPALIVE_ON : KEEPALIVE_OFF);
		/* A new connection shows all of it, however long this took. */
		if (s->keepalive_ms / 100 + 1 < (uint64_t)idle_s[i] * 10 ||
		    s->keepalive_ms / 100 > (uint64_t)idle_s[i] * 10 + 1)
			fail_msg("row %zu: %llu ms", i, (unsigned long long)s->keepalive_ms);
		lab_release(lab, mark);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			a_forgotten_connection_retransmits_and_keepalive_keeps_one, teardown),
		cmocka_unit_test_teardown(a_wire_that_remembers_drops_nothing, teardown),
		cmocka_unit_test_teardown(timers_show_keepalive, teardown),
	};
	return cmocka_run_group_tests(tests, prepare, leave);
}
