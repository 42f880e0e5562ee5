#include "epolltune/conntrack.h"

#include "epolltune/catalogue.h"
#include "epolltune/host.h"

#define FILES "proc/sys/net/netfilter/nf_conntrack_"
/* Entries that are short of the maximum by less than one in so many: the table is full at times. */
#define NEAR_SHARE 20

/* What does not fit in 31 bits is no value that the kernel shows. */
static int64_t number_of(const struct host *h, const char *path)
{
	int64_t value = host_number(h, path);
	return value >= 0 && value <= INT32_MAX ? value : REPORT_NONE;
}

void conntrack_read(const struct host *h, struct conntrack *out)
{
	int64_t one_way = number_of(h, FILES "udp_timeout"),
		stream = number_of(h, FILES "udp_timeout_stream");
	int64_t used = number_of(h, FILES "count"), max = number_of(h, FILES "max");
	/* A container of an ordinary user has no sysctl of it before Linux 5.5. */
	if (used == REPORT_NONE && max == REPORT_NONE) {
		int64_t entries = host_table_counter(h, "nf_conntrack", "entries");
		used = entries > 0 ? entries : REPORT_NONE;
	}
	*out = (struct conntrack){.used = used,
				  .max = max,
				  .rest_s = number_of(h, FILES "tcp_timeout_time_wait"),
				  .udp_rest_s = one_way > stream ? one_way : stream};
}

void conntrack_forwarding(const struct host *h, struct conntrack *out)
{
	*out = (struct conntrack){0};
	if (number_of(h, "proc/sys/net/ipv4/ip_forward") > 0 ||
	    number_of(h, "proc/sys/net/ipv6/conf/all/forwarding") > 0)
		conntrack_read(h, out);
}

int64_t conntrack_dropped(int64_t drops, int64_t clashes, int64_t used, int64_t max)
{
	bool near = max > 0 && used >= max - max / NEAR_SHARE;
	if (near || clashes < 0 || drops < 0)
		return drops;
	return clashes < drops ? drops - clashes : 0;
}
