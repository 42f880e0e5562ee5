/* Feeds bytes to the readers of /proc and /sys and of recorded replies, and what they read to the
 * judgement of all probes: a captured machine in a text, "==PATH" above the content of each file.
 * The judgement is rendered and read back. */
#include "fuzz.h"

#include "check/check.h"
#include "epolltune/cgroup.h"
#include "epolltune/nic.h"
#include "epolltune/ports.h"
#include "host/capture.h"
#include "host/cpu_list.h"
#include "host/machine.h"
#include "host/processes.h"
#include "report/parse.h"
#include "report/render.h"

static void file_add(struct capture *c, const char *path, char *data, size_t size)
{
	struct capture_file f = {.data = data, .size = size, .kind = CAPTURE_FILE};
	capture_put(c, path, &f, NULL);
}

/* Cuts the text into files. */
static void files_add(struct capture *c, char *text, size_t size)
{
	char *end = text + size, *next;
	for (char *at = text; at < end && !strncmp(at, "==", 2); at = next) {
		char *body = memchr(at, '\n', (size_t)(end - at));
		if (!body)
			return;
		*body++ = 0;
		next = memmem(body - 1, (size_t)(end - body) + 1, "\n==", 3);
		next = next ? next + 1 : end;
		file_add(c, at + 2, body, (size_t)(next - body));
	}
}

static void texts_parse(char *text)
{
	struct process_stat stat;
	struct cpu_list list = {0};
	struct softnet softnet = {0};
	uint64_t soft, hard;
	char unit[32];
	process_stat_parse(text, &stat);
	process_unit_parse(text, unit, sizeof(unit));
	process_limits_parse(text, &soft, &hard);
	if (cpu_list_add(&list, text)) {
		char short_text[16];
		cpu_list_text(&list, short_text, sizeof(short_text));
	}
	softnet_parse(text, "0-1", &softnet, NULL);
	softnet_free(&softnet);
}

static void machine_look(const struct host *h)
{
	static struct host_slab_memory slabs;
	static struct host_cpu_times times;
	struct host_counters counters = {0};
	struct cgroup group;
	cgroup_read(h, 0, &group);
	cgroup_container(h, 0);
	host_slab_memory(h, &slabs);
	host_slab_taken(&slabs, &slabs, 100, &(bool){false});
	host_connection_bytes(h, NULL);
	host_cpu_times(h, &times, NULL);
	host_table_counters(h, "nf_conntrack", &counters);
	host_reserved_ports(h, 1, 65535);
}

static void report_check(const struct report *r)
{
	static const struct render_style style = {.width = 80};
	static struct report again;
	struct err e = {0};
	char path[FUZZ_PATH];
	CLEAN(free_pointer) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out || render_json(out, r, &style, NULL) || fclose(out))
		abort();
	CLEAN(close_fd) int fd = fuzz_file((const uint8_t *)text, size, path);
	if (fd < 0 || report_parse(path, &again, &e) < 0)
		fuzz_fail(e.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct report report;
	const struct check_options o = {
		.target = TARGET_DEFAULT, .sysroot = "captured", .quick = true};
	CLEAN(free_pointer) char *text = fuzz_text(data, size);
	CLEAN(host_closep) struct host *h = machine_make("captured");
	if (!h || capture_make(&h->files, NULL))
		abort();
	h->owns_files = true;
	texts_parse(text);
	files_add(h->files, text, size);
	machine_look(h);
	report_init(&report);
	if (check_inspect(&o, h, &report, NULL) == 0)
		report_check(&report);
	return 0;
}
