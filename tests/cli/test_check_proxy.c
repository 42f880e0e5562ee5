/* A proxy beside an independent client, and beside listeners that a range proposal would take in.
 */
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

/* With tcp_rfc1337 no reset ends TIME_WAIT: the client answers an ACK that another CPU delivered
 * late, and the answer meets no connection. */
#define OF_500 "echo 40000 40499 >ip_local_port_range; echo 2 >tcp_tw_reuse; echo 1 >tcp_rfc1337"

static struct checked check_with(const char *before, const char *options)
{
	if (!namespaces_allowed())
		skip_because("namespaces are refused");
	return checked_parse(run("unshare -Urn sh -ec 'cd /proc/sys/net/ipv4; %s; "
				 "$PROGRAM check --format json --probe ports %s'",
				 before, options));
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

/* "hold PORT ADDRESS COUNT" listens and holds connections of its own, as a proxy does. */
static int be_proxy(uint16_t port, const char *address, int count)
{
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(9000)};
	inet_pton(AF_INET, address, &server.sin_addr);
	for (int i = 0; i < count; i++)
		if (connect(socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&server,
			    sizeof(server)))
			return 1;
	return be_listener(port);
}

/* "bind SOURCE ADDRESS COUNT" has ports of a source that bind() chooses; with "-" for the address
 * it connects none. It prints a line once it has all. */
static int be_binder(const char *source, const char *address, int count)
{
	struct sockaddr_in from = {.sin_family = AF_INET},
			   server = {.sin_family = AF_INET, .sin_port = htons(9000)};
	bool connects = inet_pton(AF_INET, address, &server.sin_addr) == 1;
	inet_pton(AF_INET, source, &from.sin_addr);
	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) ||
		    (connects && connect(fd, (const struct sockaddr *)&server, sizeof(server))))
			return 1;
	}
	puts("bound");
	fflush(stdout);
	pause();
	return 0;
}

static void an_independent_client_agrees(void **state)
{
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
		"; echo 1 >tcp_rfc1337; until nsenter -t $p -n ss -Hltn | grep -q :9000; do sleep 0.05; done; "
		"$SELF connect 10.9.0.2 300 700; echo 1 >tcp_tw_reuse; "
		"while ss -Htan state fin-wait-1 state fin-wait-2 | grep -q .; do sleep 0.05; done; "
		"sleep 2.1; $SELF connect 10.9.0.2 300 75'");
	/* 500 ports less 300 open connections: 200 succeed. Then 300 and 75 more take ports that
	 * have been in TIME_WAIT for a second. (Without tcp_rfc1337 a late ACK ends some: the
	 * answer to it is reset.) */
	int refused = 0, then = -1;
	sscanf(o.out, "%d %d", &refused, &then);
	if (refused < 495 || refused > 500 || then || o.status)
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

/* connect() takes none of them; the lab has no listeners, and reserves their ports. */
static void ports_of_listeners_come_off(void **state)
{
	struct checked c = check_beside("40010 40050", "echo 40000 40099 >ip_local_port_range",
					"--no-proof --role proxy --rate 1 --connections 90");
	json_t *w = checked_wall(&c, "ports.ephemeral");
	assert_int_equal(checked_number(w, "limit"), 98);
	assert_int_equal(checked_number(w, "measured"), 98);
	assert_string_equal(checked_text(w, "verdict"), "tight");
	assert_non_null(strstr(checked_text(w, "detail"), "2 are those of listeners"));
	checked_free(&c);
}

/* Two proxies to one destination: those of the other one are subtracted. */
static void what_others_have_in_use_comes_off(void **state)
{
	static const struct {
		const char *server;
		int limit;
		const char *detail;
	} rows[] = {
		{"", 3, "to 10.9.0.1:9000 200 are in use and 100 are for"},
		{"--server :9001", 5, "to 10.9.0.1:9000 50 are in use and 100 are for"},
		{"--server :9002", 4, "to 10.9.0.1:9000 150 are in use and 100 are for"},
		/* It connects to nothing: another destination is assumed. */
		{"--server :9000", 6, "to one destination 100 are for"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char options[128];
		snprintf(options, sizeof(options),
			 "--quick --role proxy --connections 100 --rate 1 %s", rows[i].server);
		struct checked c = check_beside(
			"9000",
			"ip addr add 10.9.0.1/32 dev lo; " OF_500 "; "
			"$SELF hold 9001 10.9.0.1 150 & k=\"$k $!\"; "
			"$SELF hold 9002 10.9.0.1 50 & k=\"$k $!\"; trap \"kill $k\" EXIT; "
			"for p in 9001 9002; do until ss -Hltn sport = :$p | grep -q .; do "
			"sleep 0.05; done; done",
			options);
		json_t *w = checked_wall(&c, "ports.rate");
		if (checked_number(w, "limit") != rows[i].limit ||
		    !strstr(checked_text(w, "detail"), rows[i].detail))
			fail_msg("%s: %s", rows[i].server, checked_text(w, "detail"));
		checked_free(&c);
	}
}

/* bind() from another address takes ports from connect() to each destination, also where its own
 * are to a single one or to none. */
static void ports_that_others_bind_are_never_ready(void **state)
{
	static const struct {
		const char *others, *verdict;
	} rows[] = {
		{"$SELF bind 10.9.0.3 10.9.0.3 134", "tight"},
		{"$SELF bind 10.9.0.3 - 134", "tight"},
		/* Of connect(), or too few. */
		{"$SELF hold 9002 10.9.0.3 134", "ok"},
		{"$SELF bind 10.9.0.3 10.9.0.3 9", "ok"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char before[512];
		snprintf(
			before, sizeof(before),
			"ip addr add 10.9.0.1/32 dev lo; ip addr add 10.9.0.3/32 dev lo; " OF_500
			"; echo 40000 40399 >ip_local_port_range; echo 0 >tcp_tw_reuse; "
			"$SELF hold 9001 10.9.0.1 50 & k=\"$k $!\"; %s >/tmp/$$ & k=\"$k $!\"; "
			"trap \"kill $k; rm /tmp/$$\" EXIT; "
			"until grep -q bound /tmp/$$ || ss -Hltn sport = :9002 | grep -q .; do "
			"sleep 0.05; done; until ss -Hltn sport = :9001 | grep -q .; do sleep 0.05; "
			"done",
			rows[i].others);
		struct checked c = check_beside(
			"9000", before,
			"--quick --role proxy --connections 250 --rate 1 --server :9001");
		json_t *w = checked_wall(&c, "ports.rate");
		if (strcmp(checked_text(w, "verdict"), rows[i].verdict) != 0)
			fail_msg("%s: %s: %s", rows[i].others, checked_text(w, "verdict"),
				 checked_text(w, "detail"));
		checked_free(&c);
	}
}

/* connect() takes no port in TIME_WAIT to a peer without timestamps, also with tcp_tw_reuse=1. */
static void a_peer_without_timestamps_keeps_the_ports(void **state)
{
	static const struct {
		int timestamps, limit;
		const char *server, *detail;
	} rows[] = {
		{1, 400, "--server :9001", "for 1 s: 400/s"},
		{0, 6, "--server :9001", "for 60 s, as the open ones have no TCP timestamps"},
		{0, 400, "", "for 1 s, if the destination has TCP timestamps"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char before[1024], options[128];
		snprintf(before, sizeof(before),
			 "unshare -n sh -ec \"echo %d >/proc/sys/net/ipv4/tcp_timestamps; "
			 "until ip addr add 10.9.0.2/24 dev v1; do sleep 0.05; done; "
			 "ip link set dev v1 up; exec $SELF listen 9000\" 2>/dev/null & k=$!; "
			 "trap \"kill \\$k\" EXIT; "
			 "until [ \"$(readlink /proc/$k/ns/net)\" != "
			 "\"$(readlink /proc/$$/ns/net)\" ]; do sleep 0.05; done; "
			 "ip link add name v0 type veth peer name v1; ip link set dev v1 netns $k; "
			 "ip addr add 10.9.0.1/24 dev v0; ip link set dev v0 up; " OF_500
			 "; echo 1 >tcp_tw_reuse; "
			 "until nsenter -t $k -n ss -Hltn | grep -q :9000; do sleep 0.05; done; "
			 "$SELF hold 9001 10.9.0.2 50 & k=\"$k $!\"; "
			 "until ss -Hltn sport = :9001 | grep -q .; do sleep 0.05; done",
			 rows[i].timestamps);
		snprintf(options, sizeof(options),
			 "--quick --role proxy --connections 100 --rate 1 %s", rows[i].server);
		struct checked c = check_with(before, options);
		json_t *w = checked_wall(&c, "ports.rate");
		int limit = (int)checked_number(w, "limit");
		/* Without a server in question its 50 are another's. */
		if (limit != (rows[i].server[0] ? rows[i].limit : rows[i].limit - 50) ||
		    !strstr(checked_text(w, "detail"), rows[i].detail))
			fail_msg("row %zu: %d: %s", i, limit, checked_text(w, "detail"));
		checked_free(&c);
	}
}

int main(int argc, char **argv)
{
	char self[256] = "";
	if (argc == 5 && !strcmp(argv[1], "hold"))
		return be_proxy((uint16_t)atoi(argv[2]), argv[3], atoi(argv[4]));
	if (argc == 5 && !strcmp(argv[1], "connect"))
		return be_client(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc == 5 && !strcmp(argv[1], "bind"))
		return be_binder(argv[2], argv[3], atoi(argv[4]));
	if (argc == 3 && !strcmp(argv[1], "listen"))
		return be_listener((uint16_t)atoi(argv[2]));
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		setenv("SELF", self, 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_independent_client_agrees),
		cmocka_unit_test(ports_of_listeners_are_kept),
		cmocka_unit_test(ports_of_listeners_come_off),
		cmocka_unit_test(what_others_have_in_use_comes_off),
		cmocka_unit_test(ports_that_others_bind_are_never_ready),
		cmocka_unit_test(a_peer_without_timestamps_keeps_the_ports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
