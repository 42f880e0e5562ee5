/* Feeds bytes to the reader of sysctl.d: a form feed ends a file, the files of a captured machine
 * have names that mask and order them. */
#include "fuzz.h"

#include "epolltune/sysctl_d.h"
#include "host/capture.h"
#include "host/machine.h"

static const char *const files[] = {
	"etc/sysctl.d/50-b.conf",     "run/sysctl.d/10-a.conf", "usr/lib/sysctl.d/50-b.conf",
	"usr/lib/sysctl.d/60-c.conf", "etc/sysctl.conf",
};
static const char *const names[] = {"net.core.somaxconn", "net.ipv4.conf.all.rp_filter",
				    "net.ipv4.conf.eth0/100.rp_filter", "vm.max_map_count"};
#define FILES (sizeof(files) / sizeof(*files))
#define NAMES (sizeof(names) / sizeof(*names))

static void line_check(const char *text, size_t length)
{
	struct sysctl_line line;
	if (!sysctl_d_line(text, length, &line))
		return;
	if (!line.name[0] || !memchr(line.name, 0, sizeof(line.name)) ||
	    !memchr(line.value, 0, sizeof(line.value)) || strchr(line.name, '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sysctl_setting found[NAMES];
	CLEAN(free_pointer) char *text = fuzz_text(data, size);
	CLEAN(host_closep) struct host *h = machine_make("captured");
	if (!h || capture_make(&h->files, NULL))
		abort();
	h->owns_files = true;
	char *at = text;
	for (size_t i = 0; i < FILES && at; i++) {
		char *part = strsep(&at, "\f");
		struct capture_file f = {.data = part, .size = strlen(part), .kind = CAPTURE_FILE};
		capture_put(h->files, files[i], &f, NULL);
		line_check(part, strcspn(part, "\n"));
	}
	if (sysctl_d_at_boot(h, names, NAMES, found, NULL))
		return 0;
	for (size_t i = 0; i < NAMES; i++)
		if (!memchr(found[i].value, 0, SYSCTL_D_VALUE) ||
		    !found[i].file[0] != !found[i].line)
			abort();
	return 0;
}
