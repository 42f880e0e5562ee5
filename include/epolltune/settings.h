/* settings: the values that an experiment depends on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/catalogue.h"
#include "epolltune/cgroup.h"
#include "epolltune/guest.h"
#include "epolltune/ports_used.h"
#include "epolltune/subject.h"

#define SETTINGS_MAX 12
#define SETTING_TEXT 200

/* The values that an experiment depends on, in the order of experiment.knobs, and the machine. */
struct settings {
	/* The fields of each knob; REPORT_NONE: not readable, or no such field. RLIMIT_NOFILE:
	 * soft, hard, INT64_MAX for unlimited, of the subject; without one a shell's.
	 * listen.backlog: INT32_MAX if none was given; with a subject that of the server. */
	int64_t at[SETTINGS_MAX][3];
	const char *lost; /* a knob that the machine had, and a capture does not show; NULL: none */
	char text[SETTINGS_MAX][SETTING_TEXT]; /* as the kernel writes it; "" where unreadable */
	struct machine machine;
	/* By read(): the limits of a control group, and whether that is known, or there is none. */
	struct cgroup_limit group;
	struct cgroup_limit kernel_group; /* the same of kernel memory alone; count 0: none */
	bool group_known;
	const struct cgroup *before;    /* of the options */
	const struct subject *subject;  /* the server in question; NULL: none was named */
	const struct guest *guest;      /* it is in a lab, and experiments are on it; NULL: not */
	struct subject_clients clients; /* of its configuration, by read(); zeroed: not read */
	uint64_t peers;                 /* of the options */
	uint64_t datagrams_most;        /* likewise */
	bool portless; /* servers behind the subject are all at UNIX sockets; of a proxy only */
	/* Of the subject's open connections, by read(); zeroed: too few, or not known. */
	struct ports_spread spread;
	char datagram_ports[SETTING_TEXT]; /* of UDP services beside the range, by read() */
	/* What run() measured that a server or a connection uses; 0: not measured, bound()
	 * assumes a value. */
	struct taken {
		uint64_t held;             /* descriptors of a server without connections */
		uint64_t connection_bytes; /* kernel memory of an idle connection at one end */
		uint64_t socket_bytes;     /* of these, of the socket itself; 0: unknown, too */
		uint64_t own_bytes;        /* of the server's own memory, for a connection */
		uint64_t own_memory;       /* of the server in all, now; 0: unknown */
		bool limited;              /* by a control group */
		bool kernel_only;          /* that limit is one of kernel memory alone */
		uint64_t processes;        /* of the server, now; 0: unknown */
		bool nproc_hidden;         /* its RLIMIT_NPROC may bind, and is unknown */
		bool space_hidden;         /* as of struct subject_tasks */
		bool pids_hidden;          /* kernel.pid_max is the smallest default, as the
					      machine's is not visible */
		uint64_t open;             /* connections that clients have to it */
		uint64_t opened;           /* at least, that it opened itself, as for its clients */
		uint64_t accepted;         /* of `open`, that it has accepted */
		uint64_t heard;            /* of those, that clients have sent data on */
		uint64_t left;             /* besides, as in struct connections */
		uint64_t request_bytes;    /* buffer of a connection with a waiting request */
		uint64_t datagram_bytes;   /* of a receive buffer that a datagram takes */
		bool page;                 /* a network card's driver may give each packet a page */
		bool tunnel;               /* nics_tunnel_udp() */
		/* CPU time per connection of a server's process, of its client's, with the
		 * softirqs of the handshake, and of both in one run; the CPUs they may use. */
		uint64_t accept_ns, connect_ns, both_ns, cpus;
		double quota;             /* CPUs that its control group allows; 0: all */
		const char *quota_unread; /* the file of another quota that it may have, or NULL */
		uint64_t threads;         /* of it that accept; 0: unknown */
		bool measured;
		/* Its UDP socket has what net.core.rmem_default was when that was made. */
		bool outdated;
		bool at_nofile;    /* the server of --run had used up its RLIMIT_NOFILE */
		bool at_own;       /* it met another limit, which a known line sets */
		bool by_cpu;       /* a thread of it used up a CPU */
		bool own_buffer;   /* its send buffer was one that the kernel does not grow */
		bool overflows;    /* its accept queue overflowed meanwhile */
		const char *basis; /* where the figure comes from: a clause, static */
	} taken;
};
