/* path: run commands on two hosts, over the given path and with the given sysctls. */
#include "../support/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void need_device(void)
{
	if (!namespaces_allowed())
		skip_because("namespaces are not available");
	if (access("/dev/net/tun", R_OK | W_OK))
		skip_because("/dev/net/tun is not accessible");
}

static void contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

static void expect(struct output o, int status, const char *out, const char *errors)
{
	if (o.status != status)
		fail_msg("status %d, not %d: %s%s", o.status, status, o.out, o.errors);
	if (out)
		assert_string_equal(o.out, out);
	if (errors)
		contains(o.errors, errors);
	output_free(&o);
}

static void commands_inherit_streams_and_pass_on_status(void **state)
{
	(void)state;
	need_device();
	expect(run("echo hello | $PROGRAM path --rtt 1ms -- cat"), 0, "hello\n", "path: RTT 1 ms");
	expect(run("$PROGRAM path --rtt 1ms -- sh -c 'echo no >&2; exit 7'"), 2, "", "status 7");
	expect(run("$PROGRAM path --rtt 1ms --client 'kill -9 $$'"), 2, "", "signal 9");
	expect(run("$PROGRAM path --rtt 1ms -- /nowhere/x"), 3, "", "/nowhere/x: No such file");
	expect(run("$PROGRAM path --rtt 1ms --client 'echo $SERVER $CLIENT'"), 0,
	       "198.18.0.1 198.18.1.1\n", NULL);
	/* Only the client gets standard input. */
	expect(run("echo hello | $PROGRAM path --rtt 1ms --server 'cat; sleep 9' -- cat"), 0,
	       "hello\n", NULL);
	expect(run("echo hello | $PROGRAM path --rtt 1ms --server cat"), 0, "hello\n", NULL);
	expect(run("cd / && $PROGRAM path --rtt 1ms -- pwd"), 0, "/\n", NULL);
}

static void hosts_copy_or_set_sysctls(void **state)
{
	(void)state;
	need_device();
	expect(run("$PROGRAM path --rtt 1ms "
		   "--set 'net.core.somaxconn=77,net.ipv4.tcp_rmem=4096 5000 6000' "
		   "-- cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_rmem"),
	       0, "77\n4096\t5000\t6000\n", NULL);
	/* The kernel refuses the value: not an absent knob. */
	expect(run("$PROGRAM path --rtt 1ms --set net.ipv4.tcp_congestion_control=nosuch -- true"),
	       3, "", "cannot write");
	/* The server's host has them too; the caller's namespace is unchanged. */
	expect(run("unshare -Urn sh -c 'echo 55 >/proc/sys/net/core/somaxconn; "
		   "$PROGRAM path --rtt 1ms --server \"cat /proc/sys/net/core/somaxconn\"; "
		   "$PROGRAM path --rtt 1ms --set net.core.somaxconn=66 "
		   "--server \"cat /proc/sys/net/core/somaxconn\"; "
		   "cat /proc/sys/net/core/somaxconn'"),
	       0, "55\n66\n55\n", NULL);
}

/* Milliseconds from connect() to the first data from the server. bash implements /dev/tcp. */
static long long answer_ms(const char *options)
{
	struct output o =
		run("$PROGRAM path %s --server 'echo hello | busybox nc -l -p 8080' "
		    "-- bash -c 's=$(date +%%s%%N); exec 3<>/dev/tcp/$SERVER/8080; read x <&3; "
		    "e=$(date +%%s%%N); [ \"$x\" = hello ] && echo $(((e - s) / 1000000))'",
		    options);
	if (o.status || !o.out[0])
		fail_msg("status %d: %s%s", o.status, o.out, o.errors);
	long long ms = atoll(o.out);
	output_free(&o);
	return ms;
}

static void the_path_has_the_round_trip_time(void **state)
{
	(void)state;
	need_device();
	/* One RTT for the handshake, half for the ACK, half for the data. */
	assert_true(answer_ms("--rtt 300ms") >= 600);
}

static void a_lossy_path_delivers_all_data(void **state)
{
	(void)state;
	need_device();
	struct output o =
		run("d=$(mktemp -d); head -c 2000000 /dev/urandom >$d/a; "
		    "$PROGRAM path --rtt 2ms --loss 1%% --seed 3 --server \"busybox nc -l -p 8080 "
		    "<$d/a\" "
		    "-- bash -c \"exec 3<>/dev/tcp/\\$SERVER/8080; cat <&3 >$d/b\"; s=$?; "
		    "cmp $d/a $d/b && echo same; rm -r $d; exit $s");
	assert_string_equal(o.out, "same\n");
	assert_int_equal(o.status, 0);
	contains(o.errors, " lost");
	output_free(&o);
}

static void the_path_drops_nothing_by_default(void **state)
{
	(void)state;
	need_device();
	struct output o = run("$PROGRAM path --rtt 1ms -- true");
	if (strstr(o.errors, "dropped"))
		fail_msg("%s", o.errors);
	output_free(&o);
}

static void a_path_that_fell_behind_is_reported(void **state)
{
	(void)state;
	need_device();
	/* Stop the relay while more packets arrive than its device queues. */
	struct output o = run(
		"d=$(mktemp -d); "
		"$PROGRAM path --rtt 50ms -- bash -c \"until [ -e $d/go ]; do sleep .02; done; "
		"exec 3>/dev/udp/\\$SERVER/9; for i in {1..7000}; do echo x >&3; done 2>/dev/null; "
		": >$d/sent; until [ -e $d/end ]; do sleep .02; done; sleep .3\" & p=$!; "
		"until [ \"$relay\" ]; do kill -0 $p || exit 9; sleep .02; "
		"for c in $(pgrep -P $p); do for g in $(pgrep -P $c); do "
		"[ \"$(readlink /proc/$g/fd/3)\" = /dev/net/tun ] && relay=$g; done; done; done; "
		"kill -STOP $relay; : >$d/go; until [ -e $d/sent ]; do sleep .02; done; "
		"kill -CONT $relay; : >$d/end; wait $p; s=$?; rm -r $d; exit $s");
	if (o.status)
		fail_msg("status %d: %s%s", o.status, o.out, o.errors);
	contains(o.errors, " dropped, 0 lost");
	contains(o.errors, "fell behind");
	output_free(&o);
}

static void the_server_stops_after_its_client(void **state)
{
	(void)state;
	need_device();
	/* Also a server that ignores SIGTERM, and its children. */
	struct output o = run("n=4321; $PROGRAM path --rtt 1ms "
			      "--server \"trap : TERM; sleep $n & sleep $n; sleep $n\" -- true; "
			      "pgrep -f \"^sleep $n\"");
	assert_string_equal(o.out, "");
	output_free(&o);
	expect(run("$PROGRAM path --rtt 1ms --server 'exit 3' -- true"), 3, "", "with status 3");
	expect(run("$PROGRAM path --rtt 1ms --server 'exit 0'"), 0, "", NULL);
	expect(run("$PROGRAM path --rtt 1ms --server 'exit 4'"), 2, "", "server command exited");
}

static void commands_cannot_change_the_host(void **state)
{
	(void)state;
	need_device();
	struct output o =
		run("$PROGRAM path --rtt 1ms --client 'd=$(mktemp) && rm $d && echo written; "
		    "echo 1 >/proc/sys/fs/nr_open; echo 1 >/proc/sys/vm/swappiness; "
		    "cat /proc/net/dev | grep -c eth0'");
	contains(o.out, "written\n0\n");
	contains(o.errors, "nr_open: Read-only file system");
	contains(o.errors, "swappiness: Read-only file system");
	output_free(&o);
}

static void errors_name_the_argument(void **state)
{
	(void)state;
	expect(run("$PROGRAM path"), 3, "", "nothing to run");
	expect(run("$PROGRAM path --client true -- true"), 3, "", "exclude each other");
	expect(run("$PROGRAM path --loss 2 -- true"), 3, "", "--loss: \"2\"");
	expect(run("$PROGRAM path --loss 100%% -- true"), 3, "", "--loss: \"100%\"");
	expect(run("$PROGRAM path --loss -1%% -- true"), 3, "", "--loss");
	expect(run("$PROGRAM path --loss nan -- true"), 3, "", "--loss: \"nan\"");
	expect(run("$PROGRAM path --rtt 2s -- true"), 3, "", "--rtt");
	expect(run("$PROGRAM path --rtt 1s --bandwidth 10gbit -- true"), 3, "", "256 MiB");
}

static void errors_name_the_knob(void **state)
{
	(void)state;
	need_device();
	expect(run("$PROGRAM path --set net.core.somaxconn -- true"), 3, "", "not KNOB=VALUE");
	expect(run("$PROGRAM path --set fs.file-max=5 -- true"), 3, "",
	       "fs.file-max is not a knob");
	expect(run("$PROGRAM path --set net.core.nosuch=5 -- true"), 3, "", "net.core.nosuch");
	expect(run("$PROGRAM path --set net/core/somaxcon=5 -- true"), 3, "",
	       "unknown knob \"net/core/somaxcon\"; did you mean net.core.somaxconn?");
	/* A comma without a KNOB= after it is part of the value, as for apply. */
	expect(run("$PROGRAM path --set net.ipv4.ip_local_port_range=3,4 -- true"), 3, "",
	       "\"3,4\" is not two decimal integers");
	expect(run("$PROGRAM path --set net.core.somaxconn=x -- true"), 3, "", "somaxconn");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_inherit_streams_and_pass_on_status),
		cmocka_unit_test(hosts_copy_or_set_sysctls),
		cmocka_unit_test(the_path_has_the_round_trip_time),
		cmocka_unit_test(a_lossy_path_delivers_all_data),
		cmocka_unit_test(the_path_drops_nothing_by_default),
		cmocka_unit_test(a_path_that_fell_behind_is_reported),
		cmocka_unit_test(the_server_stops_after_its_client),
		cmocka_unit_test(commands_cannot_change_the_host),
		cmocka_unit_test(errors_name_the_argument),
		cmocka_unit_test(errors_name_the_knob),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
