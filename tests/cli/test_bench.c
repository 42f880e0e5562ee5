/* bench: measure this kernel and print the figures in every format. */
#include "../support/support.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "bench/metrics.h"

static json_t *results_of(const char *arguments)
{
	struct output o = run("$PROGRAM bench %s --quick --runs 1 --format json", arguments);
	if (o.status)
		fail_msg("bench %s: %s", arguments, o.errors);
	json_t *root = json_loads(o.out, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")),
			    "epolltune.bench/1");
	assert_int_equal(json_integer_value(json_object_get(root, "lost")), 0);
	output_free(&o);
	return root;
}

/* Every variant is measured; every figure has a unit, spread and conditions. */
static void check_results(json_t *root, const char *bench)
{
	json_t *result;
	size_t i;
	const char *v;
	json_array_foreach(json_object_get(root, "results"), i, result)
	{
		double median = json_number_value(json_object_get(result, "median"));
		double min = json_number_value(json_object_get(result, "min"));
		double max = json_number_value(json_object_get(result, "max"));
		assert_string_equal(json_string_value(json_object_get(result, "bench")), bench);
		assert_true(strlen(json_string_value(json_object_get(result, "unit"))) > 0);
		assert_true(strlen(json_string_value(json_object_get(result, "conditions"))) > 5);
		assert_true(min <= median && median <= max);
		assert_true(json_integer_value(json_object_get(result, "runs")) >= 1);
	}
	for (size_t k = 0; (v = bench_variant(bench_named(bench), k)); k++) {
		bool measured = false;
		json_array_foreach(json_object_get(root, "results"), i, result) measured |=
			!strcmp(json_string_value(json_object_get(result, "variant")), v) &&
			json_number_value(json_object_get(result, "median")) > 0;
		/* A kernel or a container may refuse io_uring; a note says so. */
		if (!measured && strcmp(v, "io-uring"))
			fail_msg("bench %s has no %s", bench, v);
	}
}

static void every_bench_measures_all_variants(void **state)
{
	static const char *const arguments[] = {"connect",
						"request --connections 10",
						"hold --connections 2000",
						"wait --connections 1000",
						"control",
						"semantics"};
	assert_int_equal(sizeof(arguments) / sizeof(arguments[0]), bench_count());
	for (size_t i = 0; i < bench_count(); i++) {
		json_t *root = results_of(arguments[i]);
		check_results(root, bench_at(i)->name);
		json_decref(root);
	}
}

static double cost(json_t *root, const char *variant, json_int_t n, json_int_t active)
{
	json_t *result;
	size_t i;
	json_array_foreach(
		json_object_get(root, "results"), i,
		result) if (!strcmp(json_string_value(json_object_get(result, "variant")),
				    variant) &&
			    json_integer_value(json_object_get(result, "n")) == n &&
			    json_integer_value(json_object_get(result, "active")) ==
				    active) return json_number_value(json_object_get(result,
										     "median"));
	fail_msg("no %s at %d", variant, (int)n);
	return 0;
}

/* poll checks all sockets, epoll only the ready one, on a busy machine too. */
static void poll_grows_and_epoll_does_not(void **state)
{
	json_t *root = results_of("wait --connections 3000");
	assert_true(cost(root, "poll", 1000, 1) > 20 * cost(root, "poll", 10, 1));
	assert_true(cost(root, "epoll-level", 1000, 1) < 5 * cost(root, "epoll-level", 10, 1));
	assert_true(cost(root, "poll", 1000, 1) > 10 * cost(root, "epoll-level", 1000, 1));
	json_decref(root);
}

/* Other processes hold sockets beyond the descriptor limit, for the same epoll set. */
static void holders_lift_the_descriptor_limit(void **state)
{
	struct output o = run("ulimit -n 600; $PROGRAM bench wait --runs 1 --connections 2000 "
			      "--format csv --variant epoll-level,poll");
	assert_int_equal(o.status, 0);
	assert_non_null(strstr(o.out, "\r\nwait,epoll-level,2000,2000,cost,ns,"));
	assert_non_null(strstr(o.out, "\r\nwait,poll,300,"));
	assert_null(strstr(o.out, "\r\nwait,poll,1000,"));
	output_free(&o);
	o = run("ulimit -n 600; $PROGRAM bench hold --runs 1 --connections 2000 --format json");
	assert_int_equal(o.status, 0);
	/* The note adds up: 2 x 4 processes x 500 ends. */
	assert_non_null(strstr(o.out, "4 server and 4 client processes"));
	output_free(&o);
}

static void figures_are_written_in_every_format(void **state)
{
	struct output o =
		run("set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT; for i in a b; do "
		    "$PROGRAM bench control --quick --format json --output $d/$i "
		    "--svg $d/$i.svg; done; head -c 5 $d/a.svg; tail -c 7 $d/a.svg; "
		    "grep -c polyline $d/a.svg; $PROGRAM diff $d/a $d/b | head -3; ls $d");
	assert_int_equal(o.status, 0);
	assert_non_null(strstr(o.out, "<svg </svg>\n4\n"));
	assert_non_null(strstr(o.out, "control"));
	assert_non_null(strstr(o.out, "a\na.svg\nb\nb.svg\n"));
	output_free(&o);
	o = run("$PROGRAM bench control --quick --in-place");
	assert_int_equal(o.status, 0);
	assert_non_null(strstr(o.out, "in the calling namespace"));
	output_free(&o);
}

static void bench_runs_without_privileges(void **state)
{
	if (getuid())
		skip_because("it is what all other tests here are");
	struct output o =
		run(PROGRAM_FOR_ALL "setpriv --reuid=65534 --regid=65534 --clear-groups "
				    "$PROGRAM bench control hold --quick --runs 1 --format csv");
	if (o.status)
		fail_msg("%s", o.errors);
	assert_non_null(strstr(o.out, "control,churn,"));
	assert_non_null(strstr(o.out, "hold,idle,10000,0,kernel_memory,"));
	output_free(&o);
}

static void errors_name_the_argument(void **state)
{
	static const struct {
		const char *arguments, *text;
	} cases[] = {
		{"nothing", "known: connect, request, hold, wait, control, semantics"},
		{"wait wait", "given twice"},
		{"--runs 0", "--runs"},
		{"--runs 51", "--runs"},
		{"--connections 1", "--connections"},
		{"--variant", "missing argument"},
		{"--variant ''", "a variant \"\""},
		{"--svg -", "--svg: needs a file"},
		{"wait --quick --connections 2m", "at most 1000000"},
		{"--variant epol", "\"epol\""},
		{"semantics --variant epoll", "bench semantics has no variants"},
		{"control --variant reset", "\"reset\"; it has add,"},
		{"--format xml", "not one of"},
		{"control --quick --runs 1 --svg /nonexistent/x.svg", "/nonexistent/x.svg"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct output o = run("$PROGRAM bench %s", cases[i].arguments);
		if (o.status != 3 || !strstr(o.errors, cases[i].text) || *o.out)
			fail_msg("%s: status %d, %s", cases[i].arguments, o.status, o.errors);
		output_free(&o);
	}
}

/* A bench that fails does not discard the figures of others. */
static void a_failure_keeps_other_figures(void **state)
{
	struct output o = run("$PROGRAM bench hold control --quick --runs 1 --connections 4m "
			      "--format csv");
	assert_int_equal(o.status, 3);
	assert_non_null(strstr(o.errors, "bench hold: 4000000 connections need"));
	assert_non_null(strstr(o.out, "\r\ncontrol,churn,"));
	output_free(&o);
	o = run("ulimit -n 600; $PROGRAM bench request --quick --runs 1 --connections 100k");
	assert_int_equal(o.status, 3);
	assert_non_null(strstr(o.errors, "RLIMIT_NOFILE"));
	output_free(&o);
}

/* A signal prints the figures up to then. timeout(1) sends two signals at once. */
static void a_signal_keeps_figures(void **state)
{
	static const char *const signals[] = {"INT", "TERM"};
	for (size_t i = 0; i < 2; i++) {
		bool measured = false;
		/* Retry until the signal arrives after the first round. */
		for (unsigned after = 2; !measured && after < 100; after *= 2) {
			struct output o = run("timeout --preserve-status -s %s %u $PROGRAM bench "
					      "control wait --runs 50 --format csv",
					      signals[i], after);
			if (o.status != 3 || !strstr(o.errors, "interrupted"))
				fail_msg("%s: status %d, %s", signals[i], o.status, o.errors);
			measured = strstr(o.out, "\r\ncontrol,add,");
			output_free(&o);
		}
		assert_true(measured);
	}
}

/* More server processes hold connections beyond the descriptor limit. */
static void servers_are_added_for_more_connections(void **state)
{
	struct output o = run("ulimit -n 600; $PROGRAM bench request --variant level --quick "
			      "--runs 1 --connections 2000 --format csv");
	if (o.status)
		fail_msg("%s", o.errors);
	assert_non_null(strstr(o.out, "\r\nrequest,level,2000,2000,rate,"));
	assert_non_null(strstr(o.out, "server workers"));
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bench_measures_all_variants),
		cmocka_unit_test(poll_grows_and_epoll_does_not),
		cmocka_unit_test(holders_lift_the_descriptor_limit),
		cmocka_unit_test(figures_are_written_in_every_format),
		cmocka_unit_test(bench_runs_without_privileges),
		cmocka_unit_test(a_failure_keeps_other_figures),
		cmocka_unit_test(a_signal_keeps_figures),
		cmocka_unit_test(servers_are_added_for_more_connections),
		cmocka_unit_test(errors_name_the_argument),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
