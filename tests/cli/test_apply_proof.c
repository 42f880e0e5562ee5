/* The proof of a run: the check after it, and what follows from that. */
#include "../support/apply.h"
#include "../support/support.h"

#include <stdio.h>

static void a_signal_rolls_back(void **state)
{
	/* Interrupt the proof, of as many clients as make it last. */
	struct output o =
		inside("", REPORT "somaxconn 16\n"
				  "sed -i 's/\"stall_us\": 100000/\"stall_us\": 2000000/' "
				  "$B/report.json\n"
				  "for s in INT TERM HUP; do\n"
				  "env --default-signal=INT epolltune apply --state-dir $S --yes "
				  "--from $B/report.json >$B/out 2>$B/err & pid=$!\n"
				  "within '[ $(somaxconn) != 16 ]'\n"
				  "echo \"then $(somaxconn)\"; kill -$s $pid; wait $pid\n"
				  "echo \"$s $? $(somaxconn)\"; cat $B/err; tail -1 $B/out; done\n"
				  "epolltune history --state-dir $S\n"
				  "for run in 1 2 3; do epolltune history $run --state-dir $S; "
				  "done\n");
	output_good(&o);
	static const char *const signals[] = {"INT", "TERM", "HUP"};
	for (size_t i = 0; i < 3; i++) {
		char want[256];
		snprintf(want, sizeof(want),
			 "then 2048\n%s 2 16\nepolltune: run %zu was rolled back: interrupted by "
			 "SIG%s",
			 signals[i], i + 1, signals[i]);
		text_has(o.out, want);
		/* The journal. */
		snprintf(want, sizeof(want), "Run %zu: reverted, interrupted by SIG%s\n", i + 1,
			 signals[i]);
		text_has(o.out, want);
	}
	text_has(o.out, "Run 3 rolled back; all values restored.\n");
	text_lacks(o.out, "unfinished");
	output_free(&o);
}

static void a_useless_change_is_rolled_back(void **state)
{
	/* A knob that has no effect on its wall. */
	struct output o = inside(
		"", REPORT
		"somaxconn 16; cat /proc/sys/net/ipv4/tcp_fin_timeout\n"
		"sed -i 's/net.core.somaxconn/net.ipv4.tcp_fin_timeout/g; s/\"16\"/\"60\"/; "
		"s/2048/61/' $B/report.json\n"
		"apply --yes --from $B/report.json --probe accept-queue; echo \"status $?\"\n"
		"cat /proc/sys/net/ipv4/tcp_fin_timeout\n"
		"apply --yes --from $B/report.json --probe accept-queue --format json >$B/1.json\n"
		"grep outcome $B/1.json\n");
	text_has(o.out, "60\n");
	text_has(o.out, "Run 1 rolled back; all values restored.\nstatus 2\n60\n");
	text_has(o.out, "\"outcome\": \"reverted\"");
	text_has(o.errors,
		 "run 1 was rolled back: 60 → 61 did not improve accept-queue: it is still short");
	output_free(&o);
}

/* A report is of a target and of what was given beside it. */
static void the_proof_has_the_backlog_of_its_report(void **state)
{
	struct output o =
		inside("", REPORT "somaxconn 16; report >$B/report.json\n"
				  "sed -i 's/\"walls\"/\"backlog\": 1500, &/' $B/report.json\n"
				  "grep -q backlog $B/report.json || exit 70\n"
				  "apply --yes --from $B/report.json --probe accept-queue\n");
	text_has(o.out, "1 501");
	text_lacks(o.out, "2 049");
	output_free(&o);
}

/* The proof of --server is a check without that server: its limits are not those of this shell, and
 * it may have more sockets than the test server. */
static void another_server_proves_nothing(void **state)
{
	struct output o = inside(
		"--pid --fork --mount-proc",
		"ip link set lo up; somaxconn 128\n"
		"serve() { (ulimit -n 20000 && exec epolltune serve --port 8000 --workers $1 "
		">$B/served 2>&1) & server=$!\n"
		"within 'grep -q 8000 $B/served || ! kill -0 $server'; kill -0 $server || exit 77\n"
		/* Each worker has a socket of its own. */
		"within \"[ \\$(ss -Hltn sport = :8000 | wc -l) = $1 ]\"; }\n"
		"try() { name=$1; shift; apply --probe accept-queue,descriptors --yes \"$@\"\n"
		"echo \"$name $? $(somaxconn)\"; epolltune rollback --state-dir $S >/dev/null; }\n"
		"serve 1; (ulimit -n 4096; try limits --server :8000\n"
		"epolltune check --server :8000 --probe accept-queue,descriptors --format json "
		">$B/report.json\n"
		"try report --from $B/report.json); kill $server; wait $server\n"
		"serve 8; try sockets --server :8000; kill $server\n");
	if (o.status == 77)
		skip_because("the limit on descriptors is below 20000");
	text_has(o.out, "limits 1 2048\n");
	text_has(o.out, "BEFORE is of this server, AFTER of a new one with the limits");
	text_has(o.out, "report 1 2048\n");
	text_has(o.out, "accept-queue: is still short");
	text_has(o.out, "sockets 1 256\n");
	text_lacks(o.out, "descriptors.process");
	output_free(&o);
}

static void a_failure_rolls_back(void **state)
{
	/* The table accepts the second value, the kernel does not. */
	struct output o = inside(
		"", REPORT
		"somaxconn 16; cat /proc/sys/net/ipv4/tcp_congestion_control >$B/was\n"
		"fast --set net.ipv4.tcp_congestion_control=nosuch; echo \"status $?\"\n"
		"somaxconn; cmp /proc/sys/net/ipv4/tcp_congestion_control $B/was && echo same\n"
		"epolltune history --state-dir $S\n");
	output_good(&o);
	text_has(o.out, "status 2\n16\nsame\n");
	text_has(o.errors, "run 1 was rolled back: cannot write \"nosuch\"");
	text_has(o.out, "reverted");
	output_free(&o);
}

/* The proof uses the report's target and the probes of the changed knobs. */
static void the_proof_uses_the_target_of_the_report(void **state)
{
	struct output o =
		inside("", REPORT "somaxconn 16\n"
				  "sed -i 's/\"rate_per_s\": 10000/\"rate_per_s\": 1000/; "
				  "s/\"needed\": 1000/\"needed\": "
				  "100/; s/2048/128/' $B/report.json\n"
				  "apply --yes --from $B/report.json; echo \"apply $?\"\n"
				  "apply --yes --from $B/report.json --rate 5k; echo \"both $?\"\n"
				  "sed -i 's/\"rtt_us\": 50000/\"rtt_us\": 0/' $B/report.json\n"
				  "apply --yes --from $B/report.json; echo \"zero $?\"\n");
	output_good(&o);
	text_has(o.out, "check --probe accept-queue,syn-queue before and after:");
	text_has(o.out, "short → ok");
	text_has(o.out, "Applied as run 1. Roll back with: epolltune rollback 1");
	text_has(o.out, "apply 0\n");
	text_lacks(o.out, "napi.latency");
	text_has(o.out, "both 3\n");
	text_has(o.errors, "--from uses the target of its report");
	text_has(o.out, "zero 3\n");
	text_has(o.errors, "no --rtt takes 0");
	output_free(&o);
}

/* "Nothing to change" is a warning while a wall is short. */
static void a_wall_that_stays_short_is_a_warning(void **state)
{
	struct output o =
		inside("", REPORT
		       "somaxconn 16\n"
		       "sed -i 's/\"remedy\": \"kernel\"/\"remedy\": \"application\"/; "
		       "s/net.core.somaxconn/listen.backlog/g' $B/report.json\n"
		       "fast; echo \"manual $?\"\n"
		       "sed -i 's/\"verdict\": \"short\"/\"verdict\": \"unknown\"/; "
		       "s/critical/warning/' $B/report.json\n"
		       "fast; echo \"unknown $?\"; somaxconn\n"
		       /* one of two is not writable from a namespace */
		       "w=$(cat /proc/sys/net/core/wmem_max) || { echo denied 1 2000; exit 0; }\n"
		       "fast --set net.core.somaxconn=2000,net.core.wmem_max=$((w + 1)); "
		       "echo \"denied $? $(somaxconn)\"\n");
	output_good(&o);
	text_has(o.out, "No kernel setting helps here: the manual steps are for the "
			"application.\n\nManual steps:\n");
	text_has(o.out, "manual 1\n");
	text_has(o.out, "denied 1 2000\n");
	text_has(o.out, "unknown 3\n16\n");
	output_free(&o);
}

/* An interface without loss after its change is not a proof under load. */
static void no_loss_is_not_a_proof(void **state)
{
	struct output o =
		inside("", REPORT
		       "ip link add name v0 numrxqueues 4 numtxqueues 4 type veth peer name v1 && "
		       "ethtool -L v0 rx 1 || exit 9\n"
		       "report 3 | sed 's/accept-queue.short/nic.queues.one-cpu/; "
		       "s/accept-queue/nic.queues/g; s/net.core.somaxconn/device.channels@v0/g; "
		       "s/\"current\": \"16\"/\"current\": \"1\"/' >$B/nic.json\n"
		       "apply --yes --from $B/nic.json --probe nic --allow-link-reset; echo "
		       "\"status $?\"\n"
		       "ethtool -l v0 | grep RX: | tail -n 1\n");
	if (o.status == 9) {
		output_free(&o);
		skip_because("no veth, or no ethtool");
	}
	output_good(&o);
	text_has(o.out, "proven only under load");
	text_has(o.out, "not all of it proven");
	text_has(o.out, "status 1\n");
	text_has(o.out, "RX:\t\t3\n");
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_signal_rolls_back),
		TEST(a_useless_change_is_rolled_back),
		TEST(the_proof_has_the_backlog_of_its_report),
		TEST(another_server_proves_nothing),
		TEST(a_failure_rolls_back),
		TEST(no_loss_is_not_a_proof),
		TEST(the_proof_uses_the_target_of_the_report),
		TEST(a_wall_that_stays_short_is_a_warning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
