/* Name, kernel, CPUs and memory of the machine. */
#include "host/machine.h"

#include <endian.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/cpu_list.h"

static uint64_t cpus_online(const struct host *h)
{
	CLEAN(free_pointer) char *list = NULL;
	uint64_t count = 0;
	if (host_read_all(h, "sys/devices/system/cpu/online", &list, NULL) >= 0)
		count = cpu_list_number(list);
	CLEAN(free_pointer) char *info = NULL;
	if (!count && host_read_all(h, "proc/cpuinfo", &info, NULL) >= 0)
		for (const char *at = info; (at = strstr(at, "processor\t")); at++)
			count += at == info || at[-1] == '\n';
	if (!count && h->live && sysconf(_SC_NPROCESSORS_ONLN) > 0)
		count = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	return count;
}

bool machine_big_endian(const struct host *h)
{
	char order[16];
	if (!h || h->live)
		return BYTE_ORDER == BIG_ENDIAN;
	return host_read(h, HOST_BYTE_ORDER_FILE, order, sizeof(order), NULL) > 0 &&
	       strcmp(order, "big") == 0;
}

/* The page size of a captured machine may differ from this machine's. Without smaps, meminfo shows
 * it where the kernel maps its memory by such pages and no other can be the base page:
 * arch/x86/mm/pat/set_memory.c and arch/s390/mm/pageattr.c, unlike powerpc's radix_pgtable.c. */
uint64_t host_page_bytes(const struct host *h)
{
	if (h->live)
		return (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t bytes = 0;
	CLEAN(free_pointer) char *smaps = NULL, *meminfo = NULL;
	if (host_read_all(h, "proc/self/smaps", &smaps, NULL) >= 0 &&
	    text_keyed_bytes(smaps, "KernelPageSize", &bytes))
		return bytes;
	bool small = host_read_all(h, "proc/meminfo", &meminfo, NULL) >= 0 &&
		     text_keyed_bytes(meminfo, "DirectMap4k", &bytes) &&
		     !text_keyed_bytes(meminfo, "DirectMap64k", &bytes);
	return small ? 4096 : 0;
}

double host_uptime(const struct host *h)
{
	char text[64];
	return host_read(h, "proc/uptime", text, sizeof(text), NULL) > 0 ? strtod(text, NULL) : 0;
}

/* mm/oom_kill.c, __oom_kill_process(); since Linux 4.13. */
int64_t host_oom_kills(const struct host *h)
{
	static const char key[] = "\noom_kill ";
	CLEAN(free_pointer) char *text = NULL;
	uint64_t count;
	const char *at =
		host_read_all(h, "proc/vmstat", &text, NULL) > 0 ? strstr(text, key) : NULL;
	if (!at || (at += sizeof(key) - 1, !text_number(&at, &count)) || count > INT64_MAX)
		return -1;
	return (int64_t)count;
}

/* False: unknown. */
static bool release_read(const struct host *h, char *out, size_t size)
{
	struct utsname u;
	if (host_read(h, "proc/sys/kernel/osrelease", out, size, NULL) >= 0)
		return true;
	bool named = h->live && uname(&u) == 0;
	snprintf(out, size, "%s", named ? u.release : "");
	return named;
}

void host_facts(const struct host *h, struct host_facts *out)
{
	memset(out, 0, sizeof(*out));
	struct utsname u;
	if (host_read(h, "proc/sys/kernel/hostname", out->name, sizeof(out->name), NULL) < 0 &&
	    h->live && uname(&u) == 0)
		snprintf(out->name, sizeof(out->name), "%s", u.nodename);
	release_read(h, out->kernel, sizeof(out->kernel));
	out->cpus = cpus_online(h);
	CLEAN(free_pointer) char *meminfo = NULL;
	if (host_read_all(h, "proc/meminfo", &meminfo, NULL) >= 0) {
		text_keyed_bytes(meminfo, "MemTotal", &out->memory_bytes);
		text_keyed_bytes(meminfo, "MemAvailable", &out->available_bytes);
	}
	out->page_bytes = host_page_bytes(h);
}

int64_t host_tick_us(const struct host *h)
{
	struct timespec tick;
	if (!host_live(h) || clock_getres(CLOCK_MONOTONIC_COARSE, &tick))
		return 0;
	return tick.tv_nsec / 1000;
}

unsigned host_kernel(const struct host *h)
{
	char release[sizeof(((struct host_facts *)0)->kernel)];
	return release_read(h, release, sizeof(release)) ? kernel_parse(release) : UINT_MAX;
}
