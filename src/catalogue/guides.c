/* What only an application can do, with example code. */
#include "epolltune/catalogue.h"

static const struct guide guides[] = {
	{
		.name = "epoll-busy-poll",
		.what = "Lets epoll_wait() fetch packets from the device itself, instead of "
			"sleeping until an interrupt has delivered them. For servers where latency "
			"matters and CPUs are idle: the thread polls for busy_poll_usecs each time "
			"before it sleeps. Polling serves one NAPI instance at a time, so each "
			"epoll set should hold connections of one only: accept in any thread, ask "
			"which NAPI receives the connection's packets, and pass it to the thread "
			"of that NAPI. prefer_busy_poll keeps the device's interrupts off while "
			"the server polls; it needs napi_defer_hard_irqs (100) and "
			"gro_flush_timeout (200000 ns) on the device, which delay packets for "
			"programs that do not poll. With irq-suspend-timeout (20000000 ns, by "
			"napi-set) the interrupts stay off under load and resume when it ends: "
			"for servers that need both latency and efficiency. For efficiency alone "
			"leave all of it off.",
		.code = "#include <stdint.h>\n"
			"#include <sys/epoll.h>\n"
			"#include <sys/ioctl.h>\n"
			"#include <sys/socket.h>\n"
			"\n"
			"#ifndef EPIOCSPARAMS /* glibc before 2.40 */\n"
			"struct epoll_params {\n"
			"    uint32_t busy_poll_usecs;\n"
			"    uint16_t busy_poll_budget;\n"
			"    uint8_t prefer_busy_poll, pad;\n"
			"};\n"
			"#define EPIOCSPARAMS _IOW(0x8A, 0x01, struct epoll_params)\n"
			"#endif\n"
			"\n"
			"/* -1 with ENOTTY before Linux 6.9, EPERM for a budget above 64. */\n"
			"int busy_poll(int epoll)\n"
			"{\n"
			"    struct epoll_params params = {\n"
			"        .busy_poll_usecs = 20, /* before it sleeps */\n"
			"        .busy_poll_budget = 8, /* packets per poll */\n"
			"    };\n"
			"    return ioctl(epoll, EPIOCSPARAMS, &params);\n"
			"}\n"
			"\n"
			"/* The NAPI that receives a connection's packets; 0: none, as over lo. */\n"
			"unsigned int napi_of(int connection)\n"
			"{\n"
			"    unsigned int napi = 0;\n"
			"    socklen_t size = sizeof(napi);\n"
			"    getsockopt(connection, SOL_SOCKET, SO_INCOMING_NAPI_ID, &napi, "
			"&size);\n"
			"    return napi;\n"
			"}\n",
		.source = "ioctl_eventpoll(2); socket(7); Documentation/networking/napi.rst; "
			  "fs/eventpoll.c ep_busy_loop()",
		.since = "6.9",
	},
};

size_t guide_count(void) { return sizeof(guides) / sizeof(*guides); }

const struct guide *guide_at(size_t i) { return &guides[i]; }
