/* Each call of a command fails once: an allocation, a file, a socket, a request. The command then
 * does not crash or leak, names the error unless it did its work anyway, has a documented
 * exit status, and what it changed can be rolled back.
 *
 * A check leaves no process and no mount, and so no namespace, and a wall that is short, or a line
 * that is wrong, is not made better by a fault.
 *
 * Runs in user, network, mount and PID namespaces, with file systems of its own at /etc/sysctl.d
 * and /var/lib. FAULTS=N tries N places of each command (default 4), FAULTS=all all of them: `make
 * test-faults`. */
#include "../support/support.h"
#include "epolltune/order.h"
#include "interposer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOME 4      /* places of each command */
#define LAB_MAX 120 /* of one that runs experiments, at most: each takes seconds */
#define RUN_S 300
#define END_MS 10000 /* for what it has started to end */

static char base[64];
static struct fault_state *state;

struct result {
	int status; /* 128 + signal */
	char *out, *errors;
};

static void result_free(struct result *r)
{
	free(r->out);
	free(r->errors);
}

static char *content(const char *name)
{
	struct output o = run("cat '%s/%s'", base, name);
	char *text = strdup(o.out);
	assert_non_null(text);
	output_free(&o);
	return text;
}

static void redirect(int fd, const char *name)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/%s", base, name);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (file < 0 || dup2(file, fd) < 0)
		_exit(126);
	close(file);
}

static void child(char *const argv[])
{
	char library[512], path[96];
	snprintf(library, sizeof(library), "%s/tests/faults/interposer.so", getenv("BUILD"));
	snprintf(path, sizeof(path), "%s/state", base);
	setenv("LD_PRELOAD", library, 1);
	setenv("FAULT_STATE", path, 1);
	/* The library comes before that of the sanitizer. */
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
	close(0);
	open("/dev/null", O_RDONLY);
	redirect(1, "out");
	redirect(2, "errors");
	alarm(RUN_S);
	state->command = getpid();
	execv(getenv("PROGRAM"), argv);
	_exit(127);
}

/* Runs a command with a fault at a place; 0: notes the places. */
static struct result command(char *const argv[], uint64_t place)
{
	int status;
	state->wanted = place;
	atomic_store(&state->fired, 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(argv);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (struct result){WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
			       content("out"), content("errors")};
}

/* The machine */

static char set_option[] = "net.core.somaxconn=2048,net.ipv4.tcp_rmem=4096 131072 8388608";
static char report_path[96], file_path[96], log_path[96];

#define APPLY                                                                                      \
	"epolltune", "apply", "--from", report_path, "--no-proof", "--yes", "--set", set_option
static char *const apply[] = {APPLY, "--persist", NULL};
static char *const apply_confirm[] = {APPLY, "--confirm", "10min", NULL};
static char *const roll_back[] = {"epolltune", "rollback", NULL};
static char *const confirm[] = {"epolltune", "confirm", "--persist", NULL};
static char *const check[] = {"epolltune", "check", "--quick", NULL};
static char *const check_json[] = {"epolltune", "check", "--quick", "--format", "json", NULL};
static char *const lint[] = {"epolltune", "lint", file_path, NULL};
static char *const lint_machine[] = {"epolltune", "lint", "--format", "json", NULL};
static char *const watch[] = {"epolltune", "watch",    "--count", "1", "--interval",
			      "100ms",     "--format", "jsonl",   NULL};
static char *const diff[] = {"epolltune", "diff", report_path, report_path, NULL};
static char *const explain[] = {"epolltune", "explain", "--log", log_path, NULL};
static char *const history[] = {"epolltune", "history", NULL};
static char *const check_lab[] = {"epolltune", "check", "--probe",
				  "accept-queue,descriptors,ports,udp", NULL};

static void shell(const char *text)
{
	struct output o = run("%s", text);
	if (o.status)
		fail_msg("%s: %s", text, o.errors);
	output_free(&o);
}

/* Ends the watchdogs of runs before: all processes of this PID namespace. */
static void watchdogs_end(void)
{
	assert_int_equal(getpid(), 1);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void reset(void)
{
	watchdogs_end();
	shell("rm -rf /var/lib/epolltune /etc/sysctl.d/.[!.]* /etc/sysctl.d/* && "
	      "echo 16 >/proc/sys/net/core/somaxconn && "
	      "echo 4096 131072 262144 >/proc/sys/net/ipv4/tcp_rmem && "
	      "echo vm.swappiness=1 >/etc/sysctl.d/99-other.conf");
}

/* Values and files, without comments, which name the time. */
static char *snapshot(void)
{
	struct output o = run("cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_rmem; "
			      "cd /etc/sysctl.d && ls -A && grep -hv '^#' .[!.]* *");
	char *text = strdup(o.out);
	assert_non_null(text);
	output_free(&o);
	return text;
}

static void prepared(char *const argv[])
{
	struct result r = command(argv, 1);
	if (r.status)
		fail_msg("%s: %s", argv[1], r.errors);
	result_free(&r);
}

static void nothing(void) {}
static void applied(void) { prepared(apply); }
static void waiting(void) { prepared(apply_confirm); }

/* What one fault did */

struct fault {
	const char *command, *function;
	uint64_t place;
};

static size_t failures;

static void fault_failed(const struct fault *f, const struct result *r, const char *why)
{
	size_t length = strlen(r->out);
	failures++;
	print_message("%s: %s fails (%s) at place %#llx: %s; status %d\n%s…%s", f->command,
		      f->function, strerror(state->error), (unsigned long long)f->place, why,
		      r->status, r->errors, r->out + (length > 400 ? length - 400 : 0));
}

static bool says(const struct result *r, const char *text)
{
	return strstr(r->errors, text) || strstr(r->out, text);
}

#define UNREAD " could not be read."

/* The error, in a sentence of the command, on either stream. libnl has one word for no memory and
 * no buffers; of what the watchdog met its end is known, and a wall names what it could not read.
 */
static bool is_named(const struct result *r, const struct result *usual)
{
	bool memory = state->error == ENOMEM || state->error == ENOBUFS;
	return says(r, strerror(state->error)) || (memory && says(r, "memory")) ||
	       says(r, "the rollback watchdog ") || (says(r, UNREAD) && !says(usual, UNREAD));
}

static void result_check(const struct fault *f, const struct result *r, const struct result *usual)
{
	if (r->status > 3 || says(r, "Sanitizer") || says(r, "runtime error"))
		fault_failed(f, r, "a crash or leak");
	if (r->status != usual->status && !is_named(r, usual))
		fault_failed(f, r, "the error is not named");
	if (*r->errors && strncmp(r->errors, "epolltune: ", 11) != 0)
		fault_failed(f, r, "the message has another form");
}

/* The same as without a fault, or nothing, or what one rollback restores. */
static void changes_check(const struct fault *f, const struct result *r, const char *before,
			  const char *usual)
{
	char *now = snapshot();
	if (r->status == 0 && strcmp(now, usual) != 0)
		fault_failed(f, r, "done, but the values differ from what it does without a fault");
	free(now);
	struct result last = command(roll_back, 1);
	now = snapshot();
	if (last.status || strcmp(now, before) != 0) {
		print_message("rollback: %s%sbefore:\n%safter:\n%s", last.out, last.errors, before,
			      now);
		fault_failed(f, r, "rollback does not restore all");
	}
	result_free(&last);
	free(now);
}

/* Commands */

static int by_order(const void *a, const void *b)
{
	const struct fault_place *x = a, *y = b;
	return x->child != y->child ? x->child - y->child : ORDER(x->order, y->order);
}

/* The places that a command meets, as it meets them first: not by addresses, which each build
 * changes. Those of its children come last, as their order depends on time. */
static size_t places_find(char *const argv[], struct result *usual, struct fault_place **out)
{
	size_t count = 0;
	memset(state, 0, sizeof(*state));
	*usual = command(argv, 0);
	*out = malloc(sizeof(state->places));
	assert_non_null(*out);
	for (size_t i = 0; i < FAULT_PLACES; i++)
		if (state->places[i].place)
			(*out)[count++] = state->places[i];
	qsort(*out, count, sizeof(**out), by_order);
	assert_true(count > 20);
	return count;
}

/* From a place to the next one that is tried, of `count` of the same kind of process. */
static size_t step_of(size_t count, size_t max)
{
	const char *asked = getenv("FAULTS");
	bool all = asked && !strcmp(asked, "all");
	size_t some = all ? max : asked ? strtoul(asked, NULL, 10) : SOME;
	some = some < max ? some : max;
	return some && count > some ? (count + some - 1) / some : 1;
}

static char *mounts(void)
{
	struct output o = run("cat /proc/self/mountinfo");
	char *text = strdup(o.out);
	assert_non_null(text);
	output_free(&o);
	return text;
}

/* Reaps what it has left; false: there is a process that does not end. */
static bool all_ended(void)
{
	for (unsigned ms = 0; ms < END_MS; ms += 10) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (kill(-1, 0) < 0 && errno == ESRCH)
			return true;
		usleep(10000);
	}
	return false;
}

/* The walls that are ok, in a table or in JSON. */
static size_t walls_ok(const struct result *r)
{
	static const char *const shown[] = {" ok\n", "\"verdict\": \"ok\""};
	size_t count = 0;
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		for (const char *at = r->out; (at = strstr(at, shown[i])); at++)
			count++;
	return count;
}

/* Of a command that changes nothing. */
static void traces_check(const struct fault *f, const struct result *r, const struct result *usual,
			 const char *mounted)
{
	char *now = mounts();
	if (!all_ended()) {
		fault_failed(f, r, "a process is left");
		watchdogs_end();
	}
	if (strcmp(now, mounted) != 0)
		fault_failed(f, r, "a mount is left");
	if (r->status < usual->status || walls_ok(r) > walls_ok(usual))
		fault_failed(f, r, "the verdict is better than without a fault");
	free(now);
}

/* The exit status is what it is without a fault. */
static void command_fails(char *const argv[], int status, void (*prepare)(void), bool changes,
			  size_t max)
{
	struct result usual;
	struct fault_place *places;
	reset();
	char *before = snapshot();
	prepare();
	failures = 0;
	size_t count = places_find(argv, &usual, &places), own = 0, met = 0, absorbed = 0,
	       tried = 0;
	while (own < count && !places[own].child)
		own++;
	assert_int_equal(usual.status, status);
	char *after = snapshot(), *mounted = mounts();
	for (size_t i = 0; i < count;) {
		const struct fault f = {argv[1], places[i].function, places[i].place};
		if (changes) {
			reset();
			prepare();
		}
		struct result r = command(argv, f.place);
		tried++;
		if (atomic_load(&state->fired)) {
			result_check(&f, &r, &usual);
			met++;
			absorbed += r.status == usual.status;
		}
		if (changes)
			changes_check(&f, &r, before, after);
		else
			traces_check(&f, &r, &usual, mounted);
		result_free(&r);
		size_t next = i + step_of(i < own ? own : count - own, max);
		i = i < own && next > own ? own : next;
	}
	print_message(
		"%s: %zu places, %zu tried, %zu failed there, of these %zu did their work anyway\n",
		argv[1], count, tried, met, absorbed);
	if (failures)
		fail_msg("%zu faults were not handled", failures);
	/* Timing may take some runs another way. */
	assert_true(met > 0);
	result_free(&usual);
	free(places);
	free(before);
	free(after);
	free(mounted);
}

static void apply_fails(void **s) { (void)s, command_fails(apply, 0, nothing, true, SIZE_MAX); }
static void waiting_apply_fails(void **s)
{
	(void)s, command_fails(apply_confirm, 0, nothing, true, SIZE_MAX);
}
static void confirm_fails(void **s) { (void)s, command_fails(confirm, 0, waiting, true, SIZE_MAX); }
static void rollback_fails(void **s)
{
	(void)s, command_fails(roll_back, 0, applied, true, SIZE_MAX);
}
/* net.core.somaxconn and net.ipv4.tcp_rmem are short for the target. */
static void check_fails(void **s)
{
	(void)s, command_fails(check, 2, nothing, false, SIZE_MAX);
	command_fails(check_json, 2, nothing, false, SIZE_MAX);
}
static void lint_fails(void **s)
{
	(void)s, command_fails(lint, 2, nothing, false, SIZE_MAX);
	command_fails(lint_machine, 0, nothing, false, SIZE_MAX);
}
static void watch_fails(void **s) { (void)s, command_fails(watch, 0, nothing, false, SIZE_MAX); }
static void readers_fail(void **s)
{
	(void)s, command_fails(diff, 0, nothing, false, SIZE_MAX);
	command_fails(explain, 0, nothing, false, SIZE_MAX);
	command_fails(history, 0, applied, false, SIZE_MAX);
}
static void check_in_a_lab_fails(void **s)
{
	(void)s, command_fails(check_lab, 2, nothing, false, LAB_MAX);
}

static void state_make(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/state", base);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && ftruncate(fd, sizeof(*state)) == 0);
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(state != MAP_FAILED);
	close(fd);
}

static int machine_make(void **s)
{
	snprintf(report_path, sizeof(report_path), "%s/report.json", base);
	snprintf(file_path, sizeof(file_path), "%s/a.conf", base);
	snprintf(log_path, sizeof(log_path), "%s/log", base);
	shell("mount -t tmpfs -o mode=755 tmpfs /etc/sysctl.d && mount -t tmpfs -o mode=755 tmpfs "
	      "/var/lib && mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/systemd/system");
	state_make();
	struct output o =
		run("cat >%s <<END\n"
		    "{\"schema\":\"epolltune.report/1\",\"time\":\"2026-01-01T00:00:00Z\",\"host\":"
		    "{\"boot\":\"$(cat /proc/sys/kernel/random/boot_id)\",\"isolation\":\"lab\"},"
		    "\"target\":{\"role\":\"server\",\"connections\":1000,\"rate_per_s\":1000,"
		    "\"stall_us\":100000,\"rtt_us\":50000,\"bandwidth_bps\":1000000},\"walls\":[],"
		    "\"findings\":[]}\n"
		    "END\n"
		    "printf 'net.core.somaxconn = \"4096\"\\nnet.ipv4.tcp_tw_recycle=1\\n' >%s\n"
		    "echo 'accept4() failed (24: Too many open files)' >%s\n",
		    report_path, file_path, log_path);
	output_free(&o);
	return 0;
}

static void no_namespaces(void **s)
{
	skip_because("no private user, network and mount namespaces with net.core");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest none[] = {cmocka_unit_test(no_namespaces)};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apply_fails),   cmocka_unit_test(waiting_apply_fails),
		cmocka_unit_test(confirm_fails), cmocka_unit_test(rollback_fails),
		cmocka_unit_test(check_fails),   cmocka_unit_test(lint_fails),
		cmocka_unit_test(watch_fails),   cmocka_unit_test(readers_fail),
	};
	const struct CMUnitTest in_a_lab[] = {cmocka_unit_test(check_in_a_lab_fails)};
	if (argc < 2) {
		struct output o = run("unshare -Urnmpf --mount-proc test -w "
				      "/proc/sys/net/core/somaxconn");
		int status = o.status;
		output_free(&o);
		if (status)
			return cmocka_run_group_tests(none, NULL, NULL);
		execlp("unshare", "unshare", "-Urnmpf", "--mount-proc", argv[0], "inside", NULL);
		return 1;
	}
	strcpy(base, "/dev/shm/epolltune-calls-XXXXXX");
	if (!mkdtemp(base))
		return 1;
	int failed = cmocka_run_group_tests(tests, machine_make, NULL);
	/* Minutes. */
	if (getenv("FAULTS"))
		failed += cmocka_run_group_tests(in_a_lab, NULL, NULL);
	struct output o = run("rm -rf '%s'", base);
	output_free(&o);
	return failed;
}
