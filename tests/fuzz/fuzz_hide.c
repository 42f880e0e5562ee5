/* Feeds bytes to what removes private data from a capture: the first one chooses the file. */
#include "fuzz.h"

#include "host/capture_hide.h"

static const char *const files[] = {
	"proc/sys/kernel/hostname", "proc/net/tcp",        "proc/net/tcp6",
	"proc/net/if_inet6",        "proc/net/route",      "proc/net/ipv6_route",
	"sys/class/net/x/address",  "proc/self/mountinfo", "proc/self/smaps",
	"etc/sysctl.d/60-web.conf",
};
#define FILES (sizeof(files) / sizeof(*files))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hiding hiding = {0};
	if (!size)
		return 0;
	CLEAN(free_pointer) char *text = malloc(size + HIDE_ROOM);
	if (!text)
		abort();
	memset(text, 0, size + HIDE_ROOM);
	memcpy(text, data + 1, size - 1);
	size_t length = strlen(text);
	hide_text(&hiding, files[data[0] % FILES], text);
	if (strlen(text) > length && data[0] % FILES)
		fuzz_fail("a text became longer");
	hiding_free(&hiding);
	return 0;
}
