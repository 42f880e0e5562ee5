/* Probe ports measures the port range and TIME_WAIT, which only a proxy needs. test_verdict_ports
 * tests the rules. */
#include "../support/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

static struct checked check_with(const char *before, const char *options)
{
	if (!namespaces_allowed())
		skip_because("namespaces are refused");
	return checked_parse(run("unshare -Urn sh -ec 'cd /proc/sys/net/ipv4; %s; "
				 "$PROGRAM check --format json --probe ports %s'",
				 before, options));
}

/* The first value of a row in a finding's table. */
static double figure(json_t *finding, const char *name)
{
	json_t *rows = json_object_get(json_object_get(finding, "table"), "rows"), *row;
	size_t i;
	json_array_foreach(rows, i, row)
	{
		if (!strcmp(checked_text(row, "name"), name))
			return json_number_value(json_array_get(json_object_get(row, "values"), 0));
	}
	fail_msg("no row %s", name);
	return 0;
}

static void a_proxy_runs_out_of_ports(void **state)
{
	(void)state;
	struct checked c = check_with("echo 40000 40099 >ip_local_port_range", "--role proxy");
	json_t *w = checked_wall(&c, "ports.ephemeral");
	json_t *f = checked_finding(&c, "ports.ephemeral.short");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_string_equal(checked_text(w, "method"), "measured");
	assert_int_equal(checked_number(w, "measured"), 100);
	assert_int_equal(checked_number(w, "needed"), 10000);
	assert_string_equal(checked_text(f, "knob"), "net.ipv4.ip_local_port_range");
	assert_string_equal(checked_text(f, "current"), "40000 40099");
	assert_string_equal(checked_text(f, "proposed"), "32768 60999");
	assert_true(checked_evidence(f, "connections before EADDRNOTAVAIL", "at_proposed") ==
		    12500);
	/* Alternatives on 64 ports, some without effect. */
	assert_true(figure(f, "2 source addresses") == 128);
	assert_true(figure(f, "2 destinations") == 128);
	assert_true(figure(f, "2 destinations, bind() without NO_PORT") == 64);
	assert_true(figure(f, "tcp_tw_reuse=1, all in TIME_WAIT before") == 64);
	checked_free(&c);
}

static void a_server_needs_no_ports(void **state)
{
	(void)state;
	struct checked c = check_with("echo 40000 40099 >ip_local_port_range", "");
	json_t *w = checked_wall(&c, "ports.ephemeral");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(w, "verdict"), "ok");
	assert_int_equal(checked_number(w, "measured"), 100);
	assert_true(json_is_null(json_object_get(w, "needed")));
	json_t *f = checked_finding(&c, "ports.connect-rate");
	assert_string_equal(checked_text(f, "level"), "note");
	assert_true(figure(f, "veth, client closes first") > 0);
	assert_true(figure(f, "veth, server closes first") > 0);
	assert_true(figure(f, "loopback, client resets") > 0);
	checked_free(&c);
}

static void reserved_ports_do_not_count(void **state)
{
	(void)state;
	struct checked c = check_with("echo 40000 40099 >ip_local_port_range; "
				      "echo 80,40010-40019,40098-50000 >ip_local_reserved_ports",
				      "");
	json_t *w = checked_wall(&c, "ports.ephemeral");
	assert_int_equal(checked_number(w, "limit"), 88);
	assert_int_equal(checked_number(w, "measured"), 88);
	checked_free(&c);
}

static void reserved_ports_do_not_count_in_the_proposal(void **state)
{
	(void)state;
	struct checked c = check_with("echo 32768 60999 >ip_local_port_range; "
				      "echo 20000-20063,32768-60899 >ip_local_reserved_ports",
				      "--role proxy --rate 10 --connections 1000");
	json_t *f = checked_finding(&c, "ports.ephemeral.short");
	assert_int_equal(checked_number(checked_wall(&c, "ports.ephemeral"), "measured"), 100);
	assert_string_equal(checked_text(f, "proposed"), "16384 65535");
	assert_non_null(strstr(checked_text(f, "advice"), "ip_local_reserved_ports takes 28 132"));
	assert_true(checked_evidence(f, "connections before EADDRNOTAVAIL", "at_proposed") == 1250);
	/* Reserved ports do not limit the alternatives. */
	assert_true(figure(f, "2 source addresses") == 128);
	assert_true(figure(f, "2 destinations, bind() without NO_PORT") == 64);
	checked_free(&c);
}

static void the_running_range_is_not_proposed(void **state)
{
	(void)state;
	struct checked c = check_with("echo 1024 65535 >ip_local_port_range",
				      "--quick --role proxy --rate 10 --connections 100k");
	json_t *f = checked_finding(&c, "ports.ephemeral.short");
	assert_string_equal(checked_text(f, "remedy"), "application");
	assert_string_equal(checked_text(f, "proposed"), "");
	assert_non_null(strstr(checked_text(f, "advice"), "2 source addresses"));
	checked_free(&c);
}

static void reuse_needs_timestamps(void **state)
{
	(void)state;
	struct checked c = check_with("echo 40000 40599 >ip_local_port_range; "
				      "echo 0 >tcp_timestamps; echo 1 >tcp_tw_reuse",
				      "");
	assert_non_null(strstr(checked_text(checked_finding(&c, "ports.connect-rate"), "detail"),
			       "can open 10 connections/s from one"));
	checked_free(&c);
}

static void the_default_range_suffices_for_a_proxy(void **state)
{
	(void)state;
	struct checked c = check_with("echo 32768 60999 >ip_local_port_range; "
				      "echo 1000000 >tcp_max_tw_buckets",
				      "--role proxy");
	json_t *w = checked_wall(&c, "ports.ephemeral");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(w, "verdict"), "ok");
	assert_int_equal(checked_number(w, "limit"), 28232);
	assert_true(checked_number(w, "measured") >= 12500);
	checked_free(&c);
}

static void a_rate_beyond_the_cpus_is_short(void **state)
{
	(void)state;
	static const char *const roles[] = {"server", "proxy"};
	for (size_t i = 0; i < 2; i++) {
		char options[64];
		snprintf(options, sizeof(options), "--rate 50m --role %s", roles[i]);
		struct checked c = check_with("true", options);
		json_t *w = checked_wall(&c, "accept.rate");
		json_t *f = checked_finding(&c, "accept.rate.short");
		assert_int_equal(c.status, 2);
		assert_string_equal(checked_text(w, "verdict"), "short");
		assert_string_equal(checked_text(w, "method"), "derived");
		assert_string_equal(checked_text(w, "unit"), "accepts/s");
		assert_int_equal(checked_number(w, "needed"), 50000000);
		assert_in_range(checked_number(w, "limit"), 1, 49999999);
		assert_true(json_is_true(json_object_get(w, "at_most")));
		assert_string_equal(checked_text(f, "remedy"), "application");
		double server = checked_evidence(f, "server CPU time per connection", "at_current");
		double both = checked_evidence(f, "CPU time of both ends", "at_current");
		assert_true(server > 0 && server < both);
		checked_free(&c);
	}
}

static void the_cpus_accept_the_default_rate(void **state)
{
	(void)state;
	struct checked c = check_with("true", "");
	json_t *w = checked_wall(&c, "accept.rate");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(w, "verdict"), "ok");
	assert_int_equal(checked_number(w, "needed"), 10000);
	assert_false(checked_has_finding(&c, "accept.rate.short"));
	assert_false(checked_has_finding(&c, "accept.rate.tight"));
	checked_free(&c);
}

static void inspection_does_not_judge_the_cpus(void **state)
{
	(void)state;
	struct checked c = check_with("true", "--quick --rate 50m");
	json_t *w = checked_wall(&c, "accept.rate");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(w, "verdict"), "n/a");
	assert_string_equal(checked_text(w, "experiment"), "none");
	assert_true(json_is_null(json_object_get(w, "limit")));
	checked_free(&c);
}

static void time_wait_overflows(void **state)
{
	(void)state;
	struct checked c = check_with("echo 500 >tcp_max_tw_buckets",
				      "--role proxy --rate 20 --connections 100");
	json_t *w = checked_wall(&c, "time-wait"), *f = checked_finding(&c, "time-wait.short");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(w, "method"), "measured");
	/* The kernel tests and increments the count in two steps (inet_twsk_alloc()): every other
	 * CPU may add one between them. */
	assert_in_range(checked_number(w, "measured"), 500, 500 + get_nprocs_conf() - 1);
	assert_int_equal(checked_number(w, "needed"), 1200);
	assert_string_equal(checked_text(f, "knob"), "net.ipv4.tcp_max_tw_buckets");
	assert_true(checked_evidence(f, "TCPTimeWaitOverflow", "at_current") > 0);
	assert_true(checked_evidence(f, "TCPTimeWaitOverflow", "at_proposed") == 0);
	checked_free(&c);
}

static void a_rate_beyond_time_wait_is_a_visible_note(void **state)
{
	(void)state;
	struct checked c = check_with("echo 40000 40959 >ip_local_port_range",
				      "--role proxy --rate 500 --connections 100");
	json_t *f = checked_finding(&c, "ports.connect-rate");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(f, "title"),
			    "TIME_WAIT allows 16 new connections/s from one address to one "
			    "destination; 500/s are needed");
	checked_free(&c);
}

static void inspection_judges_by_the_knobs(void **state)
{
	(void)state;
	struct checked c =
		check_with("echo 40000 40099 >ip_local_port_range", "--quick --role proxy");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(checked_wall(&c, "ports.ephemeral"), "method"),
			    "inspected");
	assert_true(checked_has_finding(&c, "ports.ephemeral.short"));
	assert_true(checked_has_finding(&c, "time-wait.short"));
	checked_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proxy_runs_out_of_ports),
		cmocka_unit_test(a_server_needs_no_ports),
		cmocka_unit_test(reserved_ports_do_not_count),
		cmocka_unit_test(reserved_ports_do_not_count_in_the_proposal),
		cmocka_unit_test(the_running_range_is_not_proposed),
		cmocka_unit_test(reuse_needs_timestamps),
		cmocka_unit_test(the_default_range_suffices_for_a_proxy),
		cmocka_unit_test(a_rate_beyond_the_cpus_is_short),
		cmocka_unit_test(the_cpus_accept_the_default_rate),
		cmocka_unit_test(inspection_does_not_judge_the_cpus),
		cmocka_unit_test(time_wait_overflows),
		cmocka_unit_test(a_rate_beyond_time_wait_is_a_visible_note),
		cmocka_unit_test(inspection_judges_by_the_knobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
