/* Probe buffers measures and names a bound that the test sets, and its proposal removes it. */
#include "../support/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK "$PROGRAM check --format json --probe buffers "
#define FAR "--rtt 20ms --bandwidth 1gbit"

/* Runs check in a new namespace with a sysctl set; skips without the TUN device. */
static struct checked check_with(const char *knob, const char *value, const char *options)
{
	if (!namespaces_allowed())
		skip_because("namespaces are refused");
	if (access("/dev/net/tun", R_OK | W_OK))
		skip_because("/dev/net/tun may not be used");
	return checked_parse(run("unshare -Urn sh -ec 'echo %s >/proc/sys/net/ipv4/%s; " CHECK
				 "%s'",
				 value, knob, options));
}

/* On a busy machine the wall is derived or the proof inconclusive: repeat the check then. */
static bool is_unknown(const struct checked *c, const char *wall)
{
	char id[64];
	snprintf(id, sizeof(id), "%s.short", wall);
	return strcmp(checked_text(checked_wall(c, wall), "method"), "measured") != 0 ||
	       (checked_has_finding(c, id) &&
		!strcmp(checked_text(checked_finding(c, id), "tried_state"), "inconclusive"));
}

static struct checked check_known(const char *wall, const char *knob, const char *value,
				  const char *options)
{
	struct checked c = check_with(knob, value, options);
	while (is_unknown(&c, wall) && may_try_again()) {
		checked_free(&c);
		c = check_with(knob, value, options);
	}
	return c;
}

/* Parses the fields of a triple. */
static void fields(const char *value, long long at[3])
{
	assert_int_equal(sscanf(value, "%lld %lld %lld", &at[0], &at[1], &at[2]), 3);
}

static void proposal_is_proven(json_t *f, long long first, long long second)
{
	long long at[3];
	fields(checked_text(f, "proposed"), at);
	assert_int_equal(at[0], first);
	assert_int_equal(at[1], second);
	/* The window is 2.5 MB with 25 % headroom, half to all of the buffer. Half of the proposal
	 * is too small; it is tried unless the machine is too busy. */
	assert_in_range(at[2], 2500000, 2 * 2 * 2500000);
	assert_true(checked_evidence(f, "throughput", "at_proposed") >= 125e6);
}

static void a_short_receive_buffer_is_named(void **state)
{
	(void)state;
	struct checked c = check_known("buffers.receive", "tcp_rmem", "4096 131072 262144", FAR);
	json_t *w = checked_wall(&c, "buffers.receive");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_string_equal(checked_text(w, "method"), "measured");
	assert_string_equal(checked_text(w, "knob"), "net.ipv4.tcp_rmem");
	/* 9.4 MB/s is half to all of 256 KiB in 20 ms. */
	assert_in_range(checked_number(w, "measured"), 9400000 * 85 / 100, 9400000 * 115 / 100);
	assert_int_equal(checked_number(w, "needed"), 125000000);
	json_t *f = checked_finding(&c, "buffers.receive.short");
	assert_string_equal(checked_text(f, "current"), "4096 131072 262144");
	proposal_is_proven(f, 4096, 131072);
	assert_false(checked_has_finding(&c, "buffers.send.short"));
	checked_free(&c);
}

static void a_short_send_buffer_is_named(void **state)
{
	(void)state;
	struct checked c = check_known("buffers.send", "tcp_wmem", "4096 16384 262144", FAR);
	json_t *w = checked_wall(&c, "buffers.send");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_string_equal(checked_text(w, "knob"), "net.ipv4.tcp_wmem");
	assert_in_range(checked_number(w, "measured"), 6000000, 14000000);
	proposal_is_proven(checked_finding(&c, "buffers.send.short"), 4096, 16384);
	assert_false(checked_has_finding(&c, "buffers.receive.short"));
	checked_free(&c);
}

static void knob_is_named(const char *knob, const char *wall, const char *id)
{
	char name[64];
	struct checked c = check_known(wall, knob, "0", "--rtt 40ms");
	json_t *f = checked_finding(&c, id);
	snprintf(name, sizeof(name), "net.ipv4.%s", knob);
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(f, "knob"), name);
	assert_string_equal(checked_text(f, "current"), "0");
	assert_string_equal(checked_text(f, "proposed"), "1");
	assert_true(checked_evidence(f, "throughput", "at_proposed") >= 12.5e6);
	checked_free(&c);
}

static void autotuning_off_is_named(void **state)
{
	(void)state;
	knob_is_named("tcp_moderate_rcvbuf", "buffers.receive", "buffers.receive.short");
}

static void window_scaling_off_is_named(void **state)
{
	(void)state;
	knob_is_named("tcp_window_scaling", "buffers.receive", "buffers.receive.short");
}

static void no_proof_runs_with_no_proof(void **state)
{
	(void)state;
	struct checked c =
		check_known("buffers.receive", "tcp_rmem", "4096 131072 262144", "--no-proof " FAR);
	json_t *f = checked_finding(&c, "buffers.receive.short");
	double tried = checked_evidence(f, "throughput", "at_proposed");
	assert_true(tried != tried);
	assert_string_equal(checked_text(f, "tried_state"), "not tried");
	assert_non_null(strstr(checked_text(f, "tried"), "--no-proof"));
	checked_free(&c);
}

static void a_busy_machine_gets_no_wrong_verdict(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("namespaces are refused");
	if (access("/dev/net/tun", R_OK | W_OK))
		skip_because("/dev/net/tun may not be used");
	static const char busy[] =
		"for i in $(seq $(nproc)); do { while :; do :; done; } & pids=\"$pids $!\"; done; "
		"unshare -Urn sh -ec 'echo 4096 131072 %s >/proc/sys/net/ipv4/tcp_rmem; " CHECK
		"--no-proof " FAR "'; s=$?; kill $pids; exit $s";
	struct checked c = checked_parse(run(busy, "262144"));
	assert_string_equal(checked_text(checked_wall(&c, "buffers.receive"), "verdict"), "short");
	assert_true(checked_has_finding(&c, "buffers.receive.short"));
	assert_false(checked_has_finding(&c, "buffers.send.short"));
	checked_free(&c);
	/* The busy machine may prevent a verdict. */
	c = checked_parse(run(busy, "33554432"));
	const char *verdict = checked_text(checked_wall(&c, "buffers.receive"), "verdict");
	assert_true(!strcmp(verdict, "ok") || !strcmp(verdict, "unknown"));
	assert_false(checked_has_finding(&c, "buffers.send.short"));
	checked_free(&c);
}

static void the_defaults_suffice(void **state)
{
	(void)state;
	struct checked c = check_known("buffers.receive", "tcp_rmem", "4096 131072 6291456", "");
	assert_string_equal(checked_text(checked_wall(&c, "buffers.receive"), "verdict"), "ok");
	assert_string_equal(checked_text(checked_wall(&c, "buffers.memory"), "verdict"), "ok");
	assert_true(c.status == 0 || c.status == 3);
	checked_free(&c);
}

static void settings_alone_give_a_verdict_by_their_bounds(void **state)
{
	(void)state;
	struct checked c = check_with("tcp_rmem", "4096 131072 262144", "--quick " FAR);
	json_t *w = checked_wall(&c, "buffers.receive");
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_string_equal(checked_text(w, "method"), "derived");
	assert_int_equal(checked_number(w, "limit"), 262144 * 50);
	assert_string_equal(
		checked_text(checked_finding(&c, "buffers.receive.short"), "tried_state"),
		"not tried");
	checked_free(&c);
}

static void a_path_beyond_the_wire_is_derived(void **state)
{
	(void)state;
	struct checked c =
		check_with("tcp_rmem", "4096 131072 6291456", "--rtt 500ms --bandwidth 10gbit");
	assert_int_equal(c.status, 2);
	json_t *w = checked_wall(&c, "buffers.receive");
	assert_string_equal(checked_text(w, "method"), "derived");
	assert_string_equal(checked_text(w, "experiment"), "missed");
	assert_non_null(strstr(checked_text(w, "reason"), "at most 64 MiB"));
	assert_true(checked_has_finding(&c, "buffers.receive.short"));
	checked_free(&c);
}

static void a_window_beyond_tcp_is_not_proposed(void **state)
{
	(void)state;
	struct checked c = check_with("tcp_rmem", "4096 131072 6291456",
				      "--quick --rtt 500ms --bandwidth 40gbit");
	json_t *f = checked_finding(&c, "buffers.receive.short");
	assert_string_equal(checked_text(f, "remedy"), "application");
	assert_string_equal(checked_text(f, "proposed"), "");
	assert_non_null(strstr(checked_text(f, "advice"), "several connections"));
	checked_free(&c);
}

static void a_fast_path_is_measured_over_a_longer_rtt(void **state)
{
	(void)state;
	struct checked c = check_with("tcp_rmem", "4096 131072 2621440",
				      "--no-proof --rtt 10ms --bandwidth 3gbit");
	json_t *w = checked_wall(&c, "buffers.receive");
	assert_string_equal(checked_text(w, "method"), "derived");
	assert_string_not_equal(checked_text(w, "verdict"), "ok");
	/* On a busy machine the wall is judged by its settings. */
	if (!strcmp(checked_text(w, "experiment"), "done"))
		assert_non_null(
			strstr(checked_text(w, "detail"), "over 20 ms, a window that allows"));
	checked_free(&c);
}

static void all_connections_together_have_a_limit(void **state)
{
	(void)state;
	struct checked c = check_with("tcp_rmem", "4096 131072 6291456",
				      "--quick --connections 100m --rtt 1ms");
	assert_int_equal(c.status, 2);
	json_t *f = checked_finding(&c, "buffers.memory.short");
	assert_string_equal(checked_text(f, "remedy"), "none");
	checked_free(&c);
}

static void memory_pressure_is_reported(void **state)
{
	(void)state;
	struct checked c = checked_parse(
		run("d=$(mktemp -d); cp -r tests/hosts/linux-6.18/. $d; chmod -R u+w $d; "
		    "set -- $(cat $d/proc/sys/net/ipv4/tcp_mem); "
		    "sed -i \"s/^\\(TCP:.* mem\\) .*/\\1 $2/\" $d/proc/net/sockstat; "
		    "$PROGRAM check --format json --sysroot $d --probe buffers; s=$?; rm -r $d; "
		    "exit $s"));
	assert_int_equal(c.status, 2); /* nothing is left of the limit */
	assert_string_equal(checked_text(checked_finding(&c, "buffers.memory.pressure"), "level"),
			    "warning");
	checked_free(&c);
}

static void without_the_tun_device_the_finding_names_it(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("namespaces are refused");
	struct checked c =
		checked_parse(run("unshare -Urm sh -ec 'mount -t tmpfs none /dev/net; " CHECK "'"));
	json_t *f = checked_finding(&c, "lab.refused");
	assert_string_equal(checked_text(f, "level"), "skipped");
	assert_non_null(strstr(checked_text(f, "detail"), "/dev/net/tun"));
	assert_string_equal(checked_text(checked_wall(&c, "buffers.receive"), "method"), "derived");
	checked_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_receive_buffer_is_named),
		cmocka_unit_test(a_short_send_buffer_is_named),
		cmocka_unit_test(autotuning_off_is_named),
		cmocka_unit_test(window_scaling_off_is_named),
		cmocka_unit_test(no_proof_runs_with_no_proof),
		cmocka_unit_test(a_busy_machine_gets_no_wrong_verdict),
		cmocka_unit_test(the_defaults_suffice),
		cmocka_unit_test(settings_alone_give_a_verdict_by_their_bounds),
		cmocka_unit_test(a_path_beyond_the_wire_is_derived),
		cmocka_unit_test(a_window_beyond_tcp_is_not_proposed),
		cmocka_unit_test(a_fast_path_is_measured_over_a_longer_rtt),
		cmocka_unit_test(all_connections_together_have_a_limit),
		cmocka_unit_test(memory_pressure_is_reported),
		cmocka_unit_test(without_the_tun_device_the_finding_names_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
