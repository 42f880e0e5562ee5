/* What probe live makes of two states of a connection, without a network. */
#define probe_live live_under_test
#include "../../probes/live.c"
#include "../support/support.h"
#include "../support/verdict.h"

#include <arpa/inet.h>
#include <stdio.h>

#define RECEIVE                                                                                    \
	{                                                                                          \
		131072, 6291456                                                                    \
	}
#define SEND                                                                                       \
	{                                                                                          \
		16384, 4194304                                                                     \
	}

static struct connection_states then, now;
static const struct subject server = {.name = "nginx"};
static uint64_t left; /* of all connections */

static void begin(size_t count)
{
	then.count = now.count = count;
	then.timed = now.timed = true;
	then.more = now.more = false;
	for (size_t i = 0; i < count; i++) {
		struct connection_state s = {.cookie = i + 1,
					     .at_us = 1000000,
					     .data_ms = 60000,
					     .heard = true,
					     .rtt_us = 20000,
					     .receive_buffer = 131072,
					     .send_buffer = 87040};
		s.peer = endpoint_ipv4((struct in_addr){htonl(0x0a000001 + (uint32_t)i)});
		endpoint_set_port(&s.peer, 5000);
		then.at[i] = now.at[i] = s;
		now.at[i].at_us = 1500000;
	}
}

static struct target target = {.stall_us = 100000};
static struct probe_options options;

static const struct report *judged(void)
{
	static struct report r;
	const struct moment m = {.target = &target, .options = &options, .seconds = 0.5};
	const struct sample looks[2] = {{&server, &then, 0, RECEIVE, SEND},
					{&server, &now, left, RECEIVE, SEND}};
	report_init(&r);
	observation_judge(&looks[0], &looks[1], &m, &r);
	return &r;
}

static void the_longest_time_is_the_cause(void **state)
{
	static const struct {
		uint64_t busy, window, buffer;
		uint32_t unsent_before, unsent, retransmits;
		bool recovering;
		uint32_t received;
		const char *cause;
	} rows[] = {
		{0, 0, 0, 0, 0, 0, false, 0, "the application"},
		{200000, 200000, 0, 900, 900, 0, false, 0, "the application"}, /* less than half */
		{500000, 490000, 0, 900, 900, 0, false, 0, "the peer's window"},
		{500000, 0, 400000, 0, 0, 0, false, 0, "the send buffer"},
		/* Not counted from the write on. */
		{500000, 0, 200000, 0, 0, 1, false, 0, "the send buffer"},
		{500000, 0, 200000, 900, 900, 0, false, 0, "the congestion window"},
		{500000, 20000, 0, 900, 900, 0, false, 0, "the congestion window"},
		{500000, 20000, 0, 900, 0, 3, false, 0, "loss"},
		{500000, 0, 0, 0, 0, 0, true, 0, "loss"},
		/* All is sent: it waits for an acknowledgement. */
		{500000, 0, 0, 0, 0, 0, false, 0, "the application"},
		{500000, 0, 0, 900, 0, 0, false, 0, "the application"},
		{0, 0, 0, 0, 0, 0, false, 70000, "the application, which does not read"},
		{500000, 490000, 0, 900, 900, 0, false, 70000, "the peer's window"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[24];
		begin(1);
		now.at[0].busy_us = rows[i].busy;
		now.at[0].window_us = rows[i].window;
		now.at[0].buffer_us = rows[i].buffer;
		then.at[0].unsent = rows[i].unsent_before;
		now.at[0].unsent = rows[i].unsent;
		now.at[0].retransmits = rows[i].retransmits;
		now.at[0].recovering = rows[i].recovering;
		then.at[0].received = now.at[0].received = rows[i].received;
		snprintf(row, sizeof(row), "row %zu", i);
		const struct report *r = judged();
		bool limited = strcmp(rows[i].cause, "the application") != 0;
		findings_are(row, r,
			     limited ? "live.causes note, live.worst note" : "live.causes note");
		if (strcmp(r->findings[0].table.row[0].name, rows[i].cause) != 0)
			fail_msg("%s: %s", row, r->findings[0].table.row[0].name);
	}
}

/* The kernel does not count it as such in slow start. */
static void a_buffer_full_of_what_is_on_its_way_limits(void **state)
{
	static const struct {
		uint32_t queued_before, queued, unsent;
		uint64_t busy;
		const char *cause;
	} rows[] = {
		{88024, 87040, 0, 500000, "the send buffer"},
		{88024, 87039, 0, 500000, "the application"},
		{87039, 88024, 0, 500000, "the application"},
		{88024, 88024, 0, 200000, "the application"},
		{88024, 88024, 900, 500000, "the congestion window"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(1);
		now.at[0].busy_us = rows[i].busy;
		then.at[0].queued = rows[i].queued_before;
		now.at[0].queued = rows[i].queued;
		then.at[0].unsent = now.at[0].unsent = rows[i].unsent;
		const struct report *r = judged();
		if (strcmp(r->findings[0].table.row[0].name, rows[i].cause) != 0)
			fail_msg("row %zu: %s", i, r->findings[0].table.row[0].name);
	}
}

static void fixed_buffers_are_inferred(void **state)
{
	static const struct {
		uint32_t send_before, send, receive;
		bool limited;
		double fixed;
	} rows[] = {
		{8192, 8192, 131072, false, 1},      /* below the initial size */
		{87040, 87040, 131072, false, 0},    /* idle: autotuning has no reason to move */
		{87040, 87040, 131072, true, 1},     /* limits, and does not grow */
		{87040, 97040, 131072, true, 0},     /* grows */
		{4194304, 4194304, 131072, true, 0}, /* at its maximum */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(1);
		then.at[0].send_buffer = rows[i].send_before;
		now.at[0].send_buffer = rows[i].send;
		now.at[0].receive_buffer = rows[i].receive;
		now.at[0].busy_us = now.at[0].buffer_us = rows[i].limited ? 500000 : 0;
		const struct report *r = judged();
		if (r->findings[0].table.row[0].value[1] != rows[i].fixed)
			fail_msg("row %zu", i);
	}
	begin(1);
	now.at[0].receive_buffer = 8192;
	assert_non_null(strstr(judged()->findings[0].detail,
			       "The receive buffer of 1 does not grow (SO_RCVBUF; inferred)."));
}

static void the_most_limited_are_named(void **state)
{
	begin(6);
	for (size_t i = 1; i < 6; i++)
		now.at[i].busy_us = now.at[i].window_us = 300000 + 20000 * i;
	now.at[2].retransmits = 7;
	const struct report *r = judged();
	findings_are("six", r, "live.causes note, live.worst note");
	assert_string_equal(r->findings[0].title,
			    "6 connections of nginx, limited for most of 500 ms: 5 by the peer's "
			    "window, 1 by the application");
	assert_string_equal(
		r->findings[1].title,
		"The connections limited most: 10.0.0.6:5000, 10.0.0.5:5000, 10.0.0.4:5000 by the "
		"peer's window");
	assert_int_equal(r->findings[1].table.row_count, 3);
	assert_int_equal((int)r->findings[1].table.row[0].value[0], 80);
}

static void most_connections_unread_are_a_warning(void **state)
{
	static const struct {
		size_t stuck, busy, idle, silent; /* the latter have never sent anything */
		uint32_t before, unread, data_ms;
		bool found;
	} rows[] = {
		{20, 0, 0, 0, 18, 18, 600, true},   {20, 10, 9, 400, 18, 18, 600, true},
		{20, 20, 0, 0, 18, 18, 600, false}, /* some requests are slow */
		{20, 0, 20, 0, 18, 18, 600, false}, /* or it answers one at a time */
		{7, 0, 0, 0, 18, 18, 600, false},   /* few */
		{20, 0, 0, 0, 18, 18, 400, false},  /* came in between */
		{20, 0, 0, 0, 18, 9, 600, false},   /* was read */
		{20, 0, 0, 0, 0, 18, 600, false},   /* was read, and is unread again */
		{20, 0, 0, 0, 0, 0, 60000, false},  /* idle */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(rows[i].silent + rows[i].stuck + rows[i].busy + rows[i].idle);
		for (size_t k = 0; k < rows[i].silent; k++)
			now.at[now.count - 1 - k].heard = false;
		for (size_t k = 0; k < rows[i].stuck; k++) {
			then.at[k].unread = rows[i].before;
			now.at[k].unread = rows[i].unread;
			now.at[k].data_ms = rows[i].data_ms;
		}
		for (size_t k = 0; k < rows[i].busy; k++)
			now.at[rows[i].stuck + k].data_ms = 3;
		const struct report *r = judged();
		if (!strcmp(r->findings[0].id, "live.unread") != rows[i].found)
			fail_msg("row %zu: %s", i, r->findings[0].id);
	}
	begin(10);
	for (size_t i = 0; i < 10; i++) {
		then.at[i].unread = now.at[i].unread = 18;
		now.at[i].data_ms = 700;
	}
	const struct report *r = judged();
	findings_are("ten", r, "live.unread warning, live.causes note, live.worst note");
	assert_string_equal(r->findings[0].title,
			    "nginx has not read what clients sent on 10 of 10 connections for "
			    "700 ms or longer");
	assert_string_equal(r->findings[1].table.row[0].name,
			    "the application, which does not read");
	now.more = true;
	assert_non_null(
		strstr(judged()->findings[0].detail, "Further connections were not looked at. On"));
	for (size_t i = 0; i < 10; i++)
		now.at[i].data_ms = 10000;
	findings_are("others may be read", judged(),
		     "live.unread warning, live.causes note, live.worst note");
	now.more = false;
	for (size_t i = 0; i < 10; i++)
		now.at[i].data_ms = 10000;
	findings_are("none read", judged(),
		     "live.unread critical, live.causes note, live.worst note");
	now.at[9].data_ms = 9999;
	findings_are("just now", judged(),
		     "live.unread warning, live.causes note, live.worst note");
	now.at[9].data_ms = 10000;
	now.at[9].unread = 0;
	findings_are("one read", judged(),
		     "live.unread warning, live.causes note, live.worst note");
	for (size_t i = 0; i < 10; i++)
		now.at[i].data_ms = 700;
	now.at[9].unread = 18;
	/* A stall as long is allowed, but not because it was seen. */
	target.stall_us = 1000000;
	findings_are("allowed", judged(), "live.causes note, live.worst note");
	options.stall_seen = true;
	findings_are("seen", judged(), "live.unread warning, live.causes note, live.worst note");
	target.stall_us = 100000;
	options.stall_seen = false;
}

/* Those that were looked at may be a part of all. They are limited by nothing. */
static void connections_that_clients_have_closed_are_a_warning(void **state)
{
	static const struct {
		size_t open, closed;
		uint64_t left;
		const char *findings;
	} rows[] = {
		{72, 8, 8, "live.unclosed warning, live.causes note"},
		{1843, 205, 15900, "live.unclosed warning, live.causes note"},
		{0, 8, 8, "live.unclosed warning"},
		{7, 7, 7, "live.causes note"},  /* few */
		{73, 8, 8, "live.causes note"}, /* of many: tunnels that are half open */
		{20, 0, 0, "live.causes note"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[24];
		begin(rows[i].open + rows[i].closed);
		for (size_t k = 0; k < rows[i].closed; k++)
			now.at[k].left = true;
		left = rows[i].left;
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, judged(), rows[i].findings);
	}
	begin(8);
	for (size_t i = 0; i < 8; i++)
		now.at[i].left = true;
	left = 15900;
	assert_string_equal(judged()->findings[0].title,
			    "nginx has not closed 15 900 connections that clients closed 60 s ago "
			    "or earlier");
	left = 0;
}

/* Without a second sample, connections in both, or the kernel's times nothing is known. */
static void what_is_not_known_is_not_reported(void **state)
{
	begin(1);
	now.at[0].cookie = 99;
	findings_are("another connection", judged(), "");
	begin(0);
	findings_are("none", judged(), "");
	begin(1);
	now.timed = false;
	findings_are("without times", judged(), "");
	static struct report r;
	const struct sample look = {&server, &then, 0, RECEIVE, SEND};
	begin(1);
	report_init(&r);
	observation_judge(&look, &look, &(struct moment){0}, &r);
	findings_are("one sample", &r, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_time_is_the_cause),
		cmocka_unit_test(a_buffer_full_of_what_is_on_its_way_limits),
		cmocka_unit_test(fixed_buffers_are_inferred),
		cmocka_unit_test(the_most_limited_are_named),
		cmocka_unit_test(most_connections_unread_are_a_warning),
		cmocka_unit_test(connections_that_clients_have_closed_are_a_warning),
		cmocka_unit_test(what_is_not_known_is_not_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
