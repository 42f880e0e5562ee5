/* What a trial begins in a lab ends with it: servers, clients, knobs and memory. */
#include "../support/support.h"

#include <errno.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/probe.h"

#define REUSE "net.ipv4.tcp_tw_reuse"
#define RANGE "net.ipv4.ip_local_port_range"

struct fixture {
	struct host *host;
	struct lab *lab;
	struct probe_options options;
	struct trial trial;
	size_t mark;
};

static void fixture_open(struct fixture *f)
{
	struct err e = {0};
	const struct lab_options options = {.client_addresses = 2};
	*f = (struct fixture){0};
	assert_int_equal(host_open(&f->host, "/", &e), 0);
	if (lab_open(&f->lab, &options, f->host, &e)) {
		host_close(f->host);
		skip_because("%s", e.text);
	}
	f->trial = (struct trial){.host = f->host, .lab = f->lab, .options = &f->options};
	f->mark = lab_mark(f->lab);
}

static void fixture_close(struct fixture *f)
{
	lab_close(f->lab);
	host_close(f->host);
}

static void assert_knob(struct fixture *f, const char *name, const char *expected)
{
	struct err e = {0};
	char value[128];
	if (lab_knob_get(f->lab, LAB_CLIENT, name, value, sizeof(value), &e))
		fail_msg("%s", e.text);
	assert_string_equal(value, expected);
}

static void knobs_are_restored(void **state)
{
	static const struct trial_knob first[] = {
		{RANGE, "20000 20063"}, {"net.ipv4.no_such_knob", "1"}, {REUSE, "1"}, {0}};
	static const struct trial_knob again[] = {{REUSE, "0"}, {0}};
	struct fixture f;
	struct err e = {0};
	fixture_open(&f);
	assert_int_equal(lab_knob_set(f.lab, LAB_CLIENT, REUSE, "2", &e), 0);
	assert_int_equal(lab_knob_set(f.lab, LAB_CLIENT, RANGE, "30000 30999", &e), 0);
	assert_int_equal(trial_knobs(&f.trial, LAB_CLIENT, first, &e), 0);
	assert_int_equal(trial_knobs(&f.trial, LAB_CLIENT, again, &e), 0);
	assert_knob(&f, REUSE, "0");
	assert_knob(&f, RANGE, "20000 20063");
	assert_int_equal(trial_end(&f.trial, 0, &e), 0);
	assert_knob(&f, REUSE, "2");
	assert_knob(&f, RANGE, "30000 30999");
	assert_int_equal(lab_mark(f.lab), f.mark);
	/* A second end restores nothing. */
	assert_int_equal(trial_end(&f.trial, -EIO, &e), -EIO);
	fixture_close(&f);
}

/* With a knob that no kernel has: nothing is written if it is not refused. */
static void the_calling_namespace_keeps_its_knobs(void **state)
{
	static const struct trial_knob list[] = {{"net.ipv4.no_such_knob", "1"}, {0}};
	const struct lab_options options = {.place = LAB_IN_PLACE};
	struct err e = {0};
	struct host *host;
	struct lab *lab;
	assert_int_equal(host_open(&host, "/", &e), 0);
	assert_int_equal(lab_open(&lab, &options, host, &e), 0);
	struct trial t = {.host = host, .lab = lab};
	assert_int_equal(trial_knobs(&t, LAB_SERVER, list, &e), -EROFS);
	assert_int_equal(trial_end(&t, 0, &e), 0);
	lab_close(lab);
	host_close(host);
}

static void a_refused_value_restores_the_others(void **state)
{
	static const struct trial_knob list[] = {{RANGE, "20000 20063"}, {REUSE, "many"}, {0}};
	struct fixture f;
	struct err e = {0};
	fixture_open(&f);
	assert_int_equal(lab_knob_set(f.lab, LAB_CLIENT, RANGE, "30000 30999", &e), 0);
	assert_int_equal(trial_knobs(&f.trial, LAB_CLIENT, list, &e), -EINVAL);
	assert_int_equal(trial_end(&f.trial, -EINVAL, &e), -EINVAL);
	assert_non_null(strstr(e.text, "tcp_tw_reuse"));
	assert_knob(&f, RANGE, "30000 30999");
	fixture_close(&f);
}

static void servers_and_clients_end(void **state)
{
	const struct client_config ten = {.connections = 10};
	const struct client_config too_many = {.connections = UINT64_C(1) << 40};
	struct fixture f;
	struct trial *t = &f.trial;
	struct err e = {0};
	int limit;
	fixture_open(&f);
	assert_int_equal(trial_client(t, ten, &e), -EINVAL);
	assert_int_equal(trial_server(t, (struct server_config){.backlog = 64}, &e), 0);
	assert_int_equal(trial_client(t, ten, &e), 0);
	assert_int_equal(trial_client(t, too_many, &e), -EMFILE);
	assert_int_equal(trial_client_optional(t, too_many, &e), 0);
	assert_null(t->clients[1]);
	assert_int_equal(trial_client_optional(t, ten, &e), 0);
	assert_non_null(t->clients[1]);
	assert_int_equal(trial_client(t, ten, &e), -EINVAL);
	assert_int_equal(client_open(t->clients[1], 10, 0, WITHIN_MS, &e), 0);
	assert_int_equal(client_await(t->clients[1], 10, WITHIN_MS), 0);
	assert_int_equal(client_check(t->clients[1], &e), 0);
	assert_int_equal(client_await(t->clients[0], 1, 1), -ETIMEDOUT);
	assert_int_equal(server_await(t->server, 10, &limit), 10);
	assert_int_equal(limit, 0);
	/* Another server ends the first and its clients. */
	assert_int_equal(trial_server(t, (struct server_config){.backlog = 64}, &e), 0);
	assert_int_equal(server_sum(t->server).accepted, 0);
	assert_null(t->clients[0]);
	assert_null(t->clients[1]);
	assert_int_equal(trial_end(t, 0, &e), 0);
	assert_null(t->server);
	assert_int_equal(lab_mark(f.lab), f.mark);
	fixture_close(&f);
}

static void gentle_clients_arrive_slowly(void **state)
{
	struct fixture f;
	struct err e = {0};
	fixture_open(&f);
	f.options.gentle = true;
	assert_int_equal(trial_server(&f.trial, (struct server_config){.backlog = 1024}, &e), 0);
	assert_int_equal(trial_client(&f.trial, (struct client_config){.connections = 400}, &e), 0);
	uint64_t began = clock_ns();
	if (client_open(f.trial.clients[0], 400, 0, WITHIN_MS, &e))
		fail_msg("%s", e.text);
	assert_true(clock_ns() - began >= UINT64_C(399) * 1000000000 / GENTLE_PER_S);
	assert_int_equal(trial_end(&f.trial, 0, &e), 0);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knobs_are_restored),
		cmocka_unit_test(the_calling_namespace_keeps_its_knobs),
		cmocka_unit_test(a_refused_value_restores_the_others),
		cmocka_unit_test(servers_and_clients_end),
		cmocka_unit_test(gentle_clients_arrive_slowly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
