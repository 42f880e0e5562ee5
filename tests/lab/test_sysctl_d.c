/* The reading of sysctl.d beside the program that reads it at boot, and the kernel: random
 * directories, applied by systemd-sysctl in a network namespace, and what sysctl_d_find() says of
 * them; random values, written, and what knob_at_boot() says of them.
 *
 * Runs in user, network and mount namespaces, with file systems of its own at the directories of
 * sysctl.d. Of /proc/sys only the knobs of that network namespace are written: the rest is
 * read-only. */
#include "../support/support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/knob_value.h"
#include "epolltune/sysctl_d.h"

#define ROUNDS 30

static const char *const programs[] = {"/usr/lib/systemd/systemd-sysctl",
				       "/lib/systemd/systemd-sysctl"};
static const char *program;

static const char *const directories[] = {"/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"};
static const char *const files[] = {"10-a.conf", "50-b.conf", "50-b.conf.off", "99-c.conf"};
/* Knobs of each network namespace, with values from 1 to 100. */
static const char *const knobs[] = {
	"net.core.somaxconn",
	"net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_fin_timeout",
	"net.ipv4.conf.lo.arp_announce",
	"net.ipv4.conf.default.arp_notify",
	"net.ipv4.tcp_syn_retries",
	"net.ipv4.ip_forward",
	"net.ipv4.conf.all.forwarding", /* the same value */
};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define UNTOUCHED 1
/* How a line may name them; NULL: by a name. */
static const char *const patterns[] = {
	"net.ipv4.conf.*.arp_announce", "net.ipv4.tcp_*_probes",      "net.ipv4.conf.default.arp_*",
	"net.core.somax[c]onn",         "net/ipv4/conf/*/arp_notify", "net.ipv4.conf.*.forwarding"};
/* What is before a name, between it and the value, and behind that. */
static const char *const forms[][3] = {
	{"", "=", "\n"},    {"", " = ", "\n"},  {"  ", "\t=  ", "  \n"},
	{"-", " = ", "\n"}, {"#", " = ", "\n"}, {";", "=", "\n"},
	{"", " ", "\n"},    {"", "=", "\r\n"},  {"- ", "=", "\n"},
};

static uint64_t state = 0x9e3779b97f4a7c15;

static size_t below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state % limit);
}

static void shell(const char *text)
{
	struct output o = run("%s", text);
	if (o.status)
		fail_msg("%s: %s", text, o.errors);
	output_free(&o);
}

static void name_choose(char name[96])
{
	const char *of = below(4) ? knobs[below(COUNT(knobs))] : patterns[below(COUNT(patterns))];
	snprintf(name, 96, "%s", of);
	for (char *c = name; below(3) == 0 && (c = strchr(c, '.'));)
		*c = '/';
	/* A separator more, in front or after another one. */
	size_t first = below(2) ? 0 : strcspn(name, "./");
	char separator = name[strcspn(name, "./")];
	if (below(6) == 0) {
		memmove(name + first + 1, name + first, strlen(name + first) + 1);
		name[first] = separator;
	}
}

static void form_print(FILE *out, const char *const form[3], const char *name)
{
	fprintf(out, "%s%s%s%zu%s", form[0], name, form[1], below(2) + 1, form[2]);
}

static void file_make(const char *path)
{
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	for (size_t lines = below(5) + 1; lines; lines--) {
		char name[96];
		name_choose(name);
		if (below(8) == 0)
			fprintf(out, "-%s\n", name);
		else
			form_print(out, forms[below(COUNT(forms))], name);
	}
	fclose(out);
}

static void files_make(void)
{
	shell("rm -rf /etc/sysctl.d/* /run/sysctl.d/* /usr/lib/sysctl.d/*");
	for (size_t d = 0; d < COUNT(directories); d++)
		for (size_t f = 0; f < COUNT(files); f++) {
			char path[128];
			snprintf(path, sizeof(path), "%s/%s", directories[d], files[f]);
			if (below(12) == 0)
				assert_int_equal(symlink("/dev/null", path), 0);
			else if (below(16) == 0)
				assert_int_equal(symlink("/nowhere", path), 0);
			else if (below(16) == 0)
				assert_int_equal(mkdir(path, 0755), 0);
			else if (below(2))
				file_make(path);
		}
}

static void path_of(const char *knob, char path[128])
{
	snprintf(path, 128, "/proc/sys/%s", knob);
	for (char *c = path + 10; (c = strchr(c, '.'));)
		*c = '/';
}

static void value_read(const char *knob, char value[64])
{
	char path[128];
	path_of(knob, path);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(fgets(value, 64, in));
	fclose(in);
	value[strcspn(value, "\n")] = 0;
}

static void values_reset(void)
{
	for (size_t i = 0; i < COUNT(knobs); i++) {
		char path[128];
		path_of(knobs[i], path);
		file_write(path, i == 3 || i == 4 ? "0\n" : "77\n");
	}
}

static void dump(void)
{
	struct output o = run("for f in /etc/sysctl.d/* /run/sysctl.d/* /usr/lib/sysctl.d/*; do "
			      "[ ! -f $f ] || { echo \"== $f\"; cat $f; }; done");
	print_message("%s\n", o.out);
	output_free(&o);
}

static void is_read_as_by_systemd(void **arg)
{
	size_t set = 0;
	CLEAN(host_closep) struct host *h = NULL;
	if (!program)
		skip_because("no systemd-sysctl here");
	assert_int_equal(host_open(&h, "/", NULL), 0);
	for (int round = 0; round < ROUNDS; round++) {
		char before[COUNT(knobs)][64];
		values_reset();
		files_make();
		for (size_t i = 0; i < COUNT(knobs); i++)
			value_read(knobs[i], before[i]);
		struct output o = run("%s", program);
		output_free(&o);
		for (size_t i = 0; i < COUNT(knobs); i++) {
			char value[64];
			struct sysctl_setting found;
			value_read(knobs[i], value);
			assert_int_equal(sysctl_d_find(h, SYSCTL_SYSTEMD, knobs[i], &found, NULL),
					 0);
			const char *said = found.value[0] ? found.value : before[i];
			if (strcmp(value, said) != 0) {
				dump();
				fail_msg("round %d: %s is %s, not %s as of %s:%u", round, knobs[i],
					 value, said, found.file, found.line);
			}
			set += found.value[0] != 0;
		}
	}
	print_message("%zu values set in %d rounds\n", set, ROUNDS);
	assert_true(set > ROUNDS);
}

/* Numbers in any base, what ends them, and what is none. */
static void text_make(char text[128])
{
	static const char *const words[] = {
		"4096",  "0x1000", "010000", "08",         "0x",
		"65535", "65536",  "80",     "0X50",       "0120",
		"0",     "-1",     "+5",     "5k",         "#",
		"x",     "",       "0b1",    "2147483648", "99999999999999999999",
	};
	static const char *const between[] = {" ", " ", "\t", "  ", ",", "-"};
	size_t used = 0;
	text[0] = 0;
	for (size_t count = below(4) + 1; count; count--)
		used += (size_t)snprintf(text + used, 128 - used, "%s%s",
					 words[below(COUNT(words))],
					 count > 1 ? between[below(COUNT(between))] : "");
}

static void values_are_set_as_foreseen(void **arg)
{
	static const char *const rows[][2] = {
		{"net.core.somaxconn", "77"},
		{"net.ipv4.tcp_fin_timeout", "60"},
		{"net.ipv4.tcp_rmem", "4097 131072 6291456"},
		{"net.ipv4.ip_local_reserved_ports", "9000"},
	};
	CLEAN(host_closep) struct host *h = NULL;
	assert_int_equal(host_open(&h, "/", NULL), 0);
	size_t set = 0;
	for (size_t i = 0; i < 4000; i++) {
		const struct knob *k = knob_find(rows[i % COUNT(rows)][0]);
		char path[128], text[128], before[KNOB_VALUE], after[KNOB_VALUE], said[KNOB_VALUE];
		path_of(k->name, path);
		file_write(path, rows[i % COUNT(rows)][1]);
		assert_int_equal(knob_read(k, h, before, NULL), 0);
		text_make(text);
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		ssize_t written = dprintf(fd, "%s\n", text); /* one write(2) */
		close(fd);
		assert_int_equal(knob_read(k, h, after, NULL), 0);
		bool taken = knob_at_boot(k, 0, 0, text, before, said);
		if (strcmp(taken ? said : before, after) != 0)
			fail_msg("%s = \"%s\" (%zd): %s, not %s", k->name, text, written, after,
				 taken ? said : "as before");
		set += taken;
	}
	assert_true(set > 400);
}

static void no_namespaces(void **arg)
{
	skip_because("no private user, network and mount namespaces with net.core");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest none[] = {cmocka_unit_test(no_namespaces)};
	const struct CMUnitTest tests[] = {cmocka_unit_test(is_read_as_by_systemd),
					   cmocka_unit_test(values_are_set_as_foreseen)};
	if (argc < 2) {
		struct output o = run("unshare -Urnm test -w /proc/sys/net/core/somaxconn");
		int status = o.status;
		output_free(&o);
		if (status)
			return cmocka_run_group_tests(none, NULL, NULL);
		execlp("unshare", "unshare", "-Urnm", argv[0], "inside", NULL);
		return 1;
	}
	struct output o = run("set -e; mount --bind /proc/sys /proc/sys; "
			      "mount --bind /proc/sys/net /proc/sys/net; "
			      "mount -o remount,bind,ro /proc/sys; mount -t tmpfs tmpfs /run; "
			      "for d in /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d; do "
			      "mkdir -p $d; mount -t tmpfs tmpfs $d; done");
	if (o.status)
		print_message("%s", o.errors);
	for (size_t i = 0; i < COUNT(programs) && !program; i++)
		if (!access(programs[i], X_OK))
			program = programs[i];
	return o.status ? cmocka_run_group_tests(none, NULL, NULL)
			: cmocka_run_group_tests(tests, NULL, NULL);
}
