/* Default values of knobs, where they depend only on the kernel's version. */
#include <string.h>

#include "epolltune/host.h"
#include "epolltune/knob.h"

static const struct {
	const char *knob, *value;
	unsigned major, minor; /* the first kernel with it; newer ones come first */
} defaults[] = {
	{"fs.nr_open", "1048576", 0, 0},
	{"net.core.dev_weight", "64", 0, 0},
	{"net.core.netdev_budget", "300", 0, 0},
	{"net.core.netdev_max_backlog", "1000", 0, 0},
	{"net.core.somaxconn", "4096", 5, 4},
	{"net.core.somaxconn", "128", 0, 0},
	{"net.ipv4.ip_local_port_range", "32768 60999", 0, 0},
	{"net.ipv4.tcp_abort_on_overflow", "0", 0, 0},
	{"net.ipv4.tcp_adv_win_scale", "1", 0, 0},
	{"net.ipv4.tcp_fin_timeout", "60", 0, 0},
	{"net.ipv4.tcp_moderate_rcvbuf", "1", 0, 0},
	{"net.ipv4.tcp_notsent_lowat", "4294967295", 0, 0},
	{"net.ipv4.tcp_slow_start_after_idle", "1", 0, 0},
	{"net.ipv4.tcp_synack_retries", "5", 0, 0},
	{"net.ipv4.tcp_syncookies", "1", 0, 0},
	{"net.ipv4.tcp_timestamps", "1", 0, 0},
	{"net.ipv4.tcp_tw_reuse", "2", 0, 0},
	{"net.ipv4.tcp_tw_reuse_delay", "1000", 0, 0},
	{"net.ipv4.tcp_window_scaling", "1", 0, 0},
};

const char *knob_default(const struct knob *k, const struct host *h)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if (strcmp(defaults[i].knob, k->name) == 0 &&
		    host_kernel_since(h, defaults[i].major, defaults[i].minor))
			return defaults[i].value;
	return NULL;
}
