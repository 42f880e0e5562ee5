/* Probes napi and nic: check finds deferred interrupts that the test sets, measures busy polling
 * unless the machine is too busy, and the code of the guide compiles and works. */
#include "../support/support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *report_of(struct output *o)
{
	json_error_t why;
	json_t *report = json_loads(o->out, 0, &why);
	if (!report)
		fail_msg("%s: %s%s", why.text, o->out, o->errors);
	return report;
}

static json_t *finding_of(json_t *report, const char *id)
{
	size_t i;
	json_t *f;
	json_array_foreach(json_object_get(report, "findings"), i, f)
	{
		if (!strcmp(json_string_value(json_object_get(f, "id")), id))
			return f;
	}
	return NULL;
}

static json_t *wall_of(json_t *report, const char *name)
{
	size_t i;
	json_t *w;
	json_array_foreach(json_object_get(report, "walls"), i, w)
	{
		if (!strcmp(json_string_value(json_object_get(w, "name")), name))
			return w;
	}
	fail_msg("no wall %s", name);
	return NULL;
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static double evidence_of(json_t *finding, const char *name, const char *when)
{
	size_t i;
	json_t *e;
	json_array_foreach(json_object_get(finding, "evidence"), i, e)
	{
		if (!strcmp(text_of(e, "name"), name))
			return json_number_value(json_object_get(e, when));
	}
	fail_msg("no evidence \"%s\"", name);
	return 0;
}

static void skip_where_refused(json_t *report)
{
	json_t *f = finding_of(report, "lab.refused");
	if (f) {
		json_decref(report);
		skip_because("no private namespaces");
	}
}

static void busy_polling_is_measured_or_the_machine_was_busy(void **state)
{
	(void)state;
	struct output o = run("$PROGRAM check --probe napi --format json");
	json_t *report = report_of(&o);
	output_free(&o);
	skip_where_refused(report);
	json_t *gain = finding_of(report, "napi.latency.busy-poll");
	json_t *untried = finding_of(report, "napi.latency.untried");
	if (gain) {
		double now = evidence_of(gain, "request p50", "at_current");
		double then = evidence_of(gain, "request p50", "at_proposed");
		assert_true(now > 0 && then > 0 && then <= 0.8 * now);
		assert_string_equal(text_of(gain, "knob"), "EPIOCSPARAMS");
		assert_string_equal(text_of(gain, "level"), "note");
	} else if (!finding_of(report, "napi.latency.too-busy") &&
		   !finding_of(report, "probe.failed") &&
		   !strstr(text_of(untried, "detail"), "EPIOCSPARAMS")) {
		fail_msg("neither a gain nor a reason: %s",
			 text_of(wall_of(report, "napi.latency"), "detail"));
	}
	assert_string_equal(text_of(wall_of(report, "napi.latency"), "verdict"), "ok");
	json_decref(report);
}

/* Runs a command in a namespace whose interface defers interrupts. */
#define PLANTED                                                                                    \
	"unshare -nm sh -c 'mount -t sysfs sysfs /sys && "                                         \
	"ip link add name v0 type veth peer name v1 && ip link set v0 up && "                      \
	"echo 200000 >/sys/class/net/v0/gro_flush_timeout && "                                     \
	"echo 2 >/sys/class/net/v0/napi_defer_hard_irqs && exec %s'"

static void need_root(void)
{
	struct output o = run(PLANTED, "true");
	int status = o.status;
	output_free(&o);
	if (status)
		skip_because("only root may defer interrupts");
}

static void deferral_is_found_and_its_cure_is_proven(void **state)
{
	(void)state;
	need_root();
	struct output o = run(PLANTED, "$PROGRAM check --probe napi --format json");
	assert_int_equal(o.status, 1);
	json_t *report = report_of(&o);
	output_free(&o);
	json_t *f = finding_of(report, "napi.latency.deferred");
	assert_non_null(f);
	assert_string_equal(text_of(f, "knob"), "device.gro_flush_timeout@v0");
	assert_string_equal(text_of(f, "current"), "200000");
	assert_string_equal(text_of(f, "proposed"), "0");
	assert_non_null(strstr(text_of(f, "detail"), "napi_defer_hard_irqs=2"));
	assert_string_equal(text_of(wall_of(report, "napi.latency"), "verdict"), "tight");
	/* On a busy machine the deferral is reported without a measurement. */
	if (strstr(text_of(f, "tried"), "too busy")) {
		json_decref(report);
		return;
	}
	/* The proof is the same experiment with the defaults. */
	double now = evidence_of(f, "request p50", "at_current");
	double then = evidence_of(f, "request p50", "at_proposed");
	assert_true(then > 0 && now > 1.25 * then);
	/* Busy polling is compared with the defaults, not with the deferral. */
	json_t *gain = finding_of(report, "napi.latency.busy-poll");
	if (gain)
		assert_true(evidence_of(gain, "request p50", "at_current") == then);
	json_decref(report);
}

static void deferral_is_derived_without_privilege(void **state)
{
	(void)state;
	need_root();
	struct output o = run(PROGRAM_FOR_ALL PLANTED,
			      "setpriv --reuid 65534 --regid 65534 --clear-groups $PROGRAM "
			      "check --probe napi --format json");
	json_t *report = report_of(&o);
	output_free(&o);
	json_t *f = finding_of(report, "napi.latency.deferred");
	assert_non_null(f);
	assert_string_equal(text_of(f, "proposed"), "0");
	assert_int_equal(json_array_size(json_object_get(f, "evidence")), 0);
	assert_true(strstr(text_of(f, "tried"), "needs root") || finding_of(report, "lab.refused"));
	json_decref(report);
}

/* Without privilege the probes do not try to change an interface. */
static void nothing_is_attempted_without_privilege(void **state)
{
	(void)state;
	need_root();
	struct output o = run(
		"t=$(mktemp) && strace -u nobody -f -qq -o $t -e trace=openat,recvmsg "
		"sh -c \"[ -x '$PROGRAM' ] || exit 9; exec '$PROGRAM' check --probe nic,napi\" "
		">/dev/null; "
		"s=$?; "
		"grep -E 'sys/class.*(O_WRONLY|O_RDWR)|error=-E(PERM|ACCES)' $t; rm $t; exit $s");
	int status = o.status;
	if (status == 0)
		assert_string_equal(o.out, "");
	output_free(&o);
	if (status > 1)
		skip_because("no strace, or an ordinary user cannot reach the program");
}

/* With one CPU the wall is judged by its settings, without an error. */
static void one_cpu_is_not_an_error(void **state)
{
	(void)state;
	struct output o = run("taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[-,].*//') "
			      "$PROGRAM check --probe napi --format json");
	assert_int_equal(o.status, 0);
	json_t *report = report_of(&o);
	output_free(&o);
	skip_where_refused(report);
	assert_null(finding_of(report, "probe.failed"));
	assert_non_null(strstr(text_of(finding_of(report, "napi.latency.untried"), "detail"),
			       "one CPU only"));
	json_decref(report);
}

/* The proposal names the setting of a NAPI instance by its queue, so that it can be set. */
static void an_instances_deferral_is_named_by_its_queue(void **state)
{
	(void)state;
	need_root();
	struct output o =
		run("unshare -nm sh -c 'mount -t sysfs sysfs /sys && "
		    "ip link add v0 numrxqueues 2 numtxqueues 2 type veth peer name v1 "
		    "numrxqueues 2 numtxqueues 2 && ethtool -L v0 rx 2 && ethtool -K v0 gro on && "
		    "ip link set v1 up && ip link set v0 up && d=$(mktemp -d) && "
		    "$PROGRAM apply --yes --no-proof --probe nic --state-dir $d/s --set "
		    "device.gro_flush_timeout@v0:rx-1=200000,device.napi_defer_hard_irqs@v0:rx-1=2 "
		    ">/dev/null && $PROGRAM check --quick --probe napi --format json; "
		    "s=$?; rm -r $d; exit $s'");
	if (o.status == 3) {
		output_free(&o);
		skip_because("this kernel has no settings of NAPI instances");
	}
	json_t *report = report_of(&o);
	output_free(&o);
	assert_string_equal(text_of(finding_of(report, "napi.latency.deferred"), "knob"),
			    "device.gro_flush_timeout@v0:rx-1");
	json_decref(report);
}

static void inspection_finds_deferral_too(void **state)
{
	(void)state;
	need_root();
	struct output o = run(PLANTED, "$PROGRAM check --quick --probe napi,nic --format json");
	assert_int_equal(o.status, 1);
	json_t *report = report_of(&o);
	output_free(&o);
	assert_non_null(finding_of(report, "napi.latency.deferred"));
	assert_string_equal(text_of(wall_of(report, "napi.latency"), "method"), "derived");
	json_decref(report);
}

static void nothing_is_left_set(void **state)
{
	(void)state;
	static const char script[] =
		"for i in /sys/class/net/*; do grep -H . $i/gro_flush_timeout "
		"$i/napi_defer_hard_irqs $i/threaded; done; ls /sys/class/net; ethtool -k lo";
	struct output before = run("%s", script);
	struct output o = run("$PROGRAM check --probe napi,nic --format json");
	struct output after = run("%s", script);
	assert_string_equal(before.out, after.out);
	output_free(&before);
	output_free(&after);
	output_free(&o);
}

static void the_window_option_is_used(void **state)
{
	(void)state;
	struct output o = run("$PROGRAM check --probe nic --window 100ms");
	assert_int_equal(o.status, 3);
	assert_non_null(strstr(o.errors, "--window"));
	output_free(&o);
	o = run("$PROGRAM check --probe nic --window 600ms --format json");
	json_t *report = report_of(&o);
	output_free(&o);
	assert_non_null(wall_of(report, "softnet.backlog"));
	assert_non_null(wall_of(report, "softnet.budget"));
	assert_non_null(wall_of(report, "nic.ring"));
	assert_non_null(wall_of(report, "nic.queues"));
	json_decref(report);
}

/* nic watches until a probe ends that takes longer than the window. */
static void nic_watches_until_the_other_probes_end(void **state)
{
	(void)state;
	struct output o =
		run("$PROGRAM check --probe accept-queue,nic --format json & check=$!; i=0\n"
		    "until set -- $(cat /proc/$check/task/$check/children) && [ $# = 2 ]; do\n"
		    "sleep 0.01; i=$((i + 1)); [ $i -lt 500 ] || exit 9; done\n"
		    "kill -STOP $1; sleep 1.5; kill -0 $2; echo nic $? >&2; kill -CONT $1\n"
		    "wait $check");
	assert_string_equal(o.errors, "nic 0\n");
	json_t *report = report_of(&o);
	output_free(&o);
	const char *detail = text_of(wall_of(report, "softnet.backlog"), "detail");
	const char *at = strstr(detail, " in the ");
	double watched = 0;
	if (!at || sscanf(at, " in the %lf s watched", &watched) != 1 || watched < 1.4)
		fail_msg("%s", detail);
	json_decref(report);
}

/* Compiles the code of the guide unchanged and calls it. */
static void the_guides_code_compiles_and_works(void **state)
{
	(void)state;
	char dir[] = "/tmp/epolltune-guide-XXXXXX";
	assert_non_null(mkdtemp(dir));
	struct output o = run("$PROGRAM explain --format json epoll-busy-poll");
	assert_int_equal(o.status, 0);
	json_t *explained = report_of(&o);
	output_free(&o);
	char path[64];
	snprintf(path, sizeof(path), "%s/guide.c", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"%s\n#include <errno.h>\n"
		"int main(void)\n{\n\tint epoll = epoll_create1(0);\n"
		"\tif (epoll < 0 || (busy_poll(epoll) && errno != ENOTTY))\n\t\treturn 1;\n"
		"\treturn napi_of(epoll) ? 2 : 0;\n}\n",
		text_of(json_array_get(json_object_get(explained, "topics"), 0), "code"));
	fclose(f);
	json_decref(explained);
	o = run("cc=$(command -v cc || command -v gcc || command -v clang) || exit 77; "
		"$cc -Wall -Wextra -Werror -D_GNU_SOURCE -o %s/guide %s && %s/guide",
		dir, path, dir);
	struct output removed = run("rm -r %s", dir);
	output_free(&removed);
	int status = o.status;
	if (status && status != 77)
		fail_msg("%s%s", o.out, o.errors);
	output_free(&o);
	if (status == 77)
		skip_because("no C compiler");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy_polling_is_measured_or_the_machine_was_busy),
		cmocka_unit_test(deferral_is_found_and_its_cure_is_proven),
		cmocka_unit_test(deferral_is_derived_without_privilege),
		cmocka_unit_test(nothing_is_attempted_without_privilege),
		cmocka_unit_test(one_cpu_is_not_an_error),
		cmocka_unit_test(an_instances_deferral_is_named_by_its_queue),
		cmocka_unit_test(inspection_finds_deferral_too),
		cmocka_unit_test(nothing_is_left_set),
		cmocka_unit_test(the_window_option_is_used),
		cmocka_unit_test(nic_watches_until_the_other_probes_end),
		cmocka_unit_test(the_guides_code_compiles_and_works),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
