/* Probe syn-queue counts half-open connections and names their bound, with cookies and without.
 * test_verdict_syn_queue tests the rules. */
#include "../support/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 200 half-open connections, which a busy machine can hold too. */
#define FEW "--rate 1k --rtt 200ms"
#define CHECK "$PROGRAM check --format json --probe syn-queue "

static struct checked check_with(const char *before, const char *options)
{
	if (!namespaces_allowed())
		skip_because("namespaces are refused");
	if (access("/dev/net/tun", R_OK | W_OK))
		skip_because("/dev/net/tun may not be used");
	return checked_parse(
		run("unshare -Urn sh -ec 'cd /proc/sys/net; %s; " CHECK "%s'", before, options));
}

/* On a busy machine the count or its proof is inconclusive: repeat the check then. */
static bool is_unknown(const struct checked *c)
{
	if (checked_has_finding(c, "syn-queue.short") &&
	    !strcmp(checked_text(checked_finding(c, "syn-queue.short"), "tried_state"),
		    "inconclusive"))
		return true;
	return !json_is_integer(json_object_get(checked_wall(c, "syn-queue"), "measured"));
}

static struct checked check_known(const char *before, const char *options)
{
	struct checked c = check_with(before, options);
	while (is_unknown(&c) && may_try_again()) {
		checked_free(&c);
		c = check_with(before, options);
	}
	return c;
}

static void without_cookies_the_sysctl_binds(void **state)
{
	(void)state;
	/* A small port range does not limit the clients. */
	struct checked c = check_known("echo 40000 40099 >ipv4/ip_local_port_range; "
				       "echo 0 >ipv4/tcp_syncookies; "
				       "echo 16 >ipv4/tcp_max_syn_backlog",
				       FEW);
	json_t *w = checked_wall(&c, "syn-queue"), *f = checked_finding(&c, "syn-queue.short");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_string_equal(checked_text(w, "method"), "measured");
	assert_string_equal(checked_text(w, "knob"), "net.ipv4.tcp_max_syn_backlog");
	/* Three quarters of 16, and one. */
	assert_int_equal(checked_number(w, "measured"), 13);
	assert_int_equal(checked_number(w, "needed"), 200);
	assert_string_equal(checked_text(f, "knob"), "net.ipv4.tcp_max_syn_backlog");
	assert_string_equal(checked_text(f, "current"), "16");
	assert_string_equal(checked_text(f, "proposed"), "512");
	assert_true(checked_evidence(f, "ListenDrops", "at_current") >= 230);
	assert_true(checked_evidence(f, "ListenDrops", "at_proposed") == 0);
	assert_true(checked_evidence(f, "half open", "at_proposed") >= 200);
	checked_free(&c);
}

static void with_cookies_the_backlog_binds(void **state)
{
	(void)state;
	/* The lower tcp_max_syn_backlog has no effect. */
	struct checked c =
		check_known("echo 16 >core/somaxconn; echo 8 >ipv4/tcp_max_syn_backlog", FEW);
	json_t *w = checked_wall(&c, "syn-queue"), *f = checked_finding(&c, "syn-queue.short");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(w, "knob"), "net.core.somaxconn");
	/* One more than the backlog, as the kernel tests for "more than". */
	assert_int_equal(checked_number(w, "measured"), 17);
	assert_string_equal(checked_text(f, "knob"), "net.core.somaxconn");
	assert_string_equal(checked_text(f, "proposed"), "256");
	assert_non_null(strstr(checked_text(f, "advice"), "tcp_max_syn_backlog has no effect"));
	assert_true(checked_evidence(f, "TCPReqQFullDoCookies", "at_current") >= 230);
	assert_true(checked_evidence(f, "TCPReqQFullDoCookies", "at_proposed") == 0);
	assert_true(checked_evidence(f, "SyncookiesSent", "at_current") >= 230);
	assert_true(checked_evidence(f, "SyncookiesRecv", "at_current") > 0);
	checked_free(&c);
}

static void several_binding_knobs_are_one_finding(void **state)
{
	(void)state;
	struct checked c = check_known("echo 0 >ipv4/tcp_syncookies; echo 100 >core/somaxconn; "
				       "echo 64 >ipv4/tcp_max_syn_backlog",
				       "--backlog 10");
	static const char *const knobs[] = {"listen.backlog", "net.core.somaxconn",
					    "net.ipv4.tcp_max_syn_backlog"};
	json_t *f = checked_finding(&c, "syn-queue.short");
	json_t *proposals = json_object_get(f, "proposals");
	assert_int_equal(checked_number(checked_wall(&c, "syn-queue"), "measured"), 11);
	assert_string_equal(checked_text(f, "remedy"), "application");
	assert_int_equal(json_array_size(proposals), 3);
	for (size_t i = 0; i < 3; i++) {
		json_t *p = json_array_get(proposals, i);
		assert_string_equal(checked_text(p, "knob"), knobs[i]);
		assert_string_equal(checked_text(p, "proposed"), "1024");
	}
	assert_non_null(strstr(checked_text(f, "tried"), "625 of 625"));
	checked_free(&c);
}

static void a_backlog_is_the_remedy_of_the_application(void **state)
{
	(void)state;
	struct checked c = check_known(":", "--backlog 20");
	json_t *f = checked_finding(&c, "syn-queue.short");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(f, "remedy"), "application");
	assert_string_equal(checked_text(f, "current"), "20");
	assert_string_equal(checked_text(f, "proposed"), "1024");
	checked_free(&c);
}

static void the_defaults_suffice(void **state)
{
	(void)state;
	struct checked c = check_known("echo 4096 >core/somaxconn", "");
	json_t *w = checked_wall(&c, "syn-queue");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(w, "verdict"), "ok");
	assert_int_equal(checked_number(w, "needed"), 500);
	assert_int_equal(checked_number(w, "measured"), 625);
	assert_int_equal(checked_number(w, "limit"), 4097);
	assert_non_null(strstr(checked_text(w, "detail"), "has no effect"));
	checked_free(&c);
}

/* The clients must use several processes then. */
static void few_descriptors_suffice(void **state)
{
	(void)state;
	struct checked c = check_known("ulimit -n 100; echo 16 >core/somaxconn", "");
	assert_int_equal(checked_number(checked_wall(&c, "syn-queue"), "measured"), 17);
	checked_free(&c);
}

static void cookies_for_all_need_no_queue(void **state)
{
	(void)state;
	struct checked c = check_with("echo 2 >ipv4/tcp_syncookies; echo 16 >core/somaxconn", "");
	assert_int_equal(c.status, 0);
	assert_true(json_is_null(json_object_get(checked_wall(&c, "syn-queue"), "needed")));
	checked_free(&c);
}

static void inspection_judges_by_the_knobs(void **state)
{
	(void)state;
	struct checked c = check_with("echo 0 >ipv4/tcp_syncookies; "
				      "echo 100 >ipv4/tcp_max_syn_backlog",
				      "--quick");
	json_t *w = checked_wall(&c, "syn-queue");
	assert_int_equal(c.status, 2);
	assert_int_equal(checked_number(w, "limit"), 76);
	assert_string_equal(checked_text(w, "method"), "inspected");
	checked_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_cookies_the_sysctl_binds),
		cmocka_unit_test(with_cookies_the_backlog_binds),
		cmocka_unit_test(several_binding_knobs_are_one_finding),
		cmocka_unit_test(a_backlog_is_the_remedy_of_the_application),
		cmocka_unit_test(the_defaults_suffice),
		cmocka_unit_test(few_descriptors_suffice),
		cmocka_unit_test(cookies_for_all_need_no_queue),
		cmocka_unit_test(inspection_judges_by_the_knobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
