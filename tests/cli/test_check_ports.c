/* Probe ports measures the port range and TIME_WAIT, which only a proxy needs. test_verdict_ports
 * tests the rules. */
#include "../support/checked.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

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
	assert_string_equal(checked_text(f, "proposed"), "40000 52799");
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
	assert_string_equal(checked_text(f, "proposed"), "32768 62463");
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
				      "echo 1 >tcp_tw_reuse",
				      "--role proxy");
	json_t *w = checked_wall(&c, "ports.ephemeral");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(checked_wall(&c, "ports.rate"), "verdict"), "ok");
	assert_int_equal(checked_number(checked_wall(&c, "ports.rate"), "limit"), 18232);
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
	json_t *w = checked_wall(&c, "time-wait");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(w, "method"), "measured");
	/* The kernel tests and increments the count in two steps (inet_twsk_alloc()): every other
	 * CPU may add one between them. */
	assert_in_range(checked_number(w, "measured"), 500, 500 + get_nprocs_conf() - 1);
	assert_true(json_is_null(json_object_get(w, "needed")));
	assert_string_equal(checked_text(checked_finding(&c, "time-wait.early"), "level"), "note");
	checked_free(&c);
}

#define OF_500 "echo 40000 40499 >ip_local_port_range; echo 2 >tcp_tw_reuse"
#define AT_60 "--role proxy --connections 300 --rate 60"

static void a_proxy_connects_more_often_than_time_wait_allows(void **state)
{
	(void)state;
	struct checked c = check_with(OF_500, AT_60);
	json_t *w = checked_wall(&c, "ports.rate");
	json_t *f = checked_finding(&c, "ports.rate.short");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_string_equal(checked_text(w, "method"), "measured");
	assert_string_equal(checked_text(w, "unit"), "connects/s");
	assert_int_equal(checked_number(w, "limit"), 3);
	assert_int_equal(checked_number(w, "measured"), 3);
	assert_int_equal(checked_number(w, "needed"), 60);
	assert_non_null(strstr(checked_text(w, "detail"), "3.3/s"));
	assert_string_equal(checked_text(f, "knob"), "net.ipv4.tcp_tw_reuse");
	assert_string_equal(checked_text(f, "proposed"), "1");
	/* 300 and 75/s: the first 500 use up the ports, 375 more take them again. */
	assert_true(checked_evidence(f, "connects before EADDRNOTAVAIL", "at_current") == 500);
	assert_true(checked_evidence(f, "connects before EADDRNOTAVAIL", "at_proposed") >= 875);
	assert_true(figure(f, "nothing") == 64);
	assert_true(figure(f, "2 source addresses") == 128);
	assert_true(figure(f, "2 destinations") == 128);
	assert_true(figure(f, "2 destinations, IP_BIND_ADDRESS_NO_PORT") == 128);
	assert_true(figure(f, "2 destinations, bind() without NO_PORT") == 64);
	assert_true(figure(f, "tcp_tw_reuse=1") == 128);
	assert_true(figure(f, "keep-alive, 1 connection") == 128);
	checked_free(&c);
}

static void settings_show_that_too(void **state)
{
	(void)state;
	struct checked c = check_with(OF_500, "--quick " AT_60);
	json_t *w = checked_wall(&c, "ports.rate");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_int_equal(checked_number(w, "limit"), 3);
	assert_true(checked_has_finding(&c, "ports.rate.short"));
	checked_free(&c);
	c = check_with(OF_500, "--quick --role server --connections 300 --rate 60");
	w = checked_wall(&c, "ports.rate");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(w, "verdict"), "ok");
	assert_true(json_is_null(json_object_get(w, "needed")));
	checked_free(&c);
}

/* This program as an independent client and server: "connect HELD COUNT" opens connections and
 * holds them, then opens and closes others, and prints how many connect() refused; "listen" lets
 * its clients close first. */
static int be_listener(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct pollfd at[2048] = {{.fd = listener, .events = POLLIN}};
	nfds_t count = 1;
	if (bind(listener, (const struct sockaddr *)&to, sizeof(to)) || listen(listener, 4096))
		return 1;
	while (poll(at, count, 60000) > 0) {
		for (nfds_t i = count; i-- > 1;)
			if (at[i].revents) {
				close(at[i].fd);
				at[i] = at[--count];
			}
		if (at[0].revents && count < 2048 && (fd = accept(listener, NULL, NULL)) >= 0)
			at[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	return 0;
}

static int be_client(const char *address, int held, int count)
{
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(9000)};
	int refused = 0;
	inet_pton(AF_INET, address, &server.sin_addr);
	for (int i = 0; i < held + count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (const struct sockaddr *)&server, sizeof(server))) {
			if (errno != EADDRNOTAVAIL)
				return 1;
			refused++;
		}
		if (i >= held)
			close(fd);
	}
	printf("%d\n", refused);
	return 0;
}

static void an_independent_client_agrees(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("namespaces are refused");
	struct output o = run(
		"unshare -Urn sh -ec '"
		"unshare -n sh -ec \"until ip addr add 10.9.0.2/24 dev v1; do sleep 0.05; done; "
		"ip link set dev v1 up; exec $SELF listen 9000\" 2>/dev/null & p=$!; "
		"trap \"kill $p\" EXIT; "
		"until [ \"$(readlink /proc/$p/ns/net)\" != \"$(readlink /proc/$$/ns/net)\" ]; do "
		"sleep 0.05; done; "
		"ip link add name v0 type veth peer name v1; ip link set dev v1 netns $p; "
		"ip addr add 10.9.0.1/24 dev v0; ip link set dev v0 up; cd /proc/sys/net/ipv4; " OF_500
		"; until nsenter -t $p -n ss -Hltn | grep -q :9000; do sleep 0.05; done; "
		"$SELF connect 10.9.0.2 300 700; echo 1 >tcp_tw_reuse; sleep 2.1; "
		"$SELF connect 10.9.0.2 300 75'");
	/* 500 ports less 300 open connections: 200 succeed. Then 300 and 75 more take ports that
	 * have been in TIME_WAIT for a second. */
	if (strcmp(o.out, "500\n0\n") != 0 || o.status)
		fail_msg("%d: %s%s", o.status, o.out, o.errors);
	output_free(&o);
}

/* Waits until it listens, runs the check, and ends it. */
static struct checked check_beside(const char *listeners, const char *before, const char *options)
{
	char all[1024];
	snprintf(all, sizeof(all),
		 "ip link set lo up; for p in %s; do $SELF listen $p & k=\"$k $!\"; done; "
		 "trap \"kill $k\" EXIT; "
		 "for p in %s; do until ss -Hltn sport = :$p | grep -q .; do sleep 0.05; done; "
		 "done; %s",
		 listeners, listeners, before);
	return check_with(all, options);
}

static void ports_of_listeners_are_kept(void **state)
{
	(void)state;
	struct checked c = check_beside("33000 9100",
					"echo 32768 60999 >ip_local_port_range; "
					"echo 8000 >ip_local_reserved_ports; "
					"echo 2000 >ip_unprivileged_port_start",
					"--quick --role proxy --rate 1 --connections 48k");
	json_t *f = checked_finding(&c, "ports.ephemeral.short");
	json_t *proposals = json_object_get(f, "proposals"), *second = json_array_get(proposals, 1);
	int low, high;
	assert_int_equal(sscanf(checked_text(f, "proposed"), "%d %d", &low, &high), 2);
	assert_in_range(low, 2000, 9000);
	assert_int_equal((high - low) % 2, 1);
	assert_string_equal(checked_text(second, "knob"), "net.ipv4.ip_local_reserved_ports");
	assert_string_equal(checked_text(second, "proposed"), "8000,9090,9100,10250-10259,33000");
	assert_non_null(strstr(checked_text(f, "advice"), "9090,9100,10250-10259,33000"));
	checked_free(&c);
}

static void a_small_need_gets_a_small_range(void **state)
{
	(void)state;
	struct checked c = check_with("echo 40000 40007 >ip_local_port_range",
				      "--no-proof --role proxy --rate 1 --connections 10");
	json_t *f = checked_finding(&c, "ports.ephemeral.short");
	assert_string_equal(checked_text(f, "proposed"), "40000 40013");
	checked_free(&c);
}

/* The lab may use ports that the host's kernel refuses. */
static void privileged_ports_do_not_stop_the_experiments(void **state)
{
	(void)state;
	struct checked c = check_with("echo 40000 40099 >ip_local_port_range; "
				      "echo 30000 >ip_unprivileged_port_start",
				      "--role proxy --rate 1 --connections 200");
	json_t *f = checked_finding(&c, "ports.ephemeral.short");
	assert_int_equal(checked_number(checked_wall(&c, "ports.ephemeral"), "measured"), 100);
	assert_non_null(strstr(checked_text(f, "tried"), "250 connections"));
	assert_true(figure(f, "2 source addresses") == 128);
	assert_true(checked_number(checked_wall(&c, "accept.rate"), "limit") > 0);
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
	assert_true(checked_has_finding(&c, "ports.rate.short"));
	checked_free(&c);
}

int main(int argc, char **argv)
{
	char self[256] = "";
	if (argc == 5 && !strcmp(argv[1], "connect"))
		return be_client(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc == 3 && !strcmp(argv[1], "listen"))
		return be_listener((uint16_t)atoi(argv[2]));
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		setenv("SELF", self, 1);
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
		cmocka_unit_test(a_proxy_connects_more_often_than_time_wait_allows),
		cmocka_unit_test(settings_show_that_too),
		cmocka_unit_test(an_independent_client_agrees),
		cmocka_unit_test(ports_of_listeners_are_kept),
		cmocka_unit_test(a_small_need_gets_a_small_range),
		cmocka_unit_test(privileged_ports_do_not_stop_the_experiments),
		cmocka_unit_test(inspection_judges_by_the_knobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
