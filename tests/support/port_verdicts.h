/* port_verdicts: settings and targets of tests about ephemeral ports. */
#pragma once

#include "support.h"
#include "verdict.h"

#define RATE "ports.rate"
#define RANGE "net.ipv4.ip_local_port_range="
#define OF_500 RANGE "40000 40499"
#define LISTENERS "; listeners="
#define BUCKETS "net.ipv4.tcp_max_tw_buckets="
#define OTHERS(bound) "; others.bound=" bound
#define KNOBS(reuse, timestamps, delay)                                                            \
	"; net.ipv4.tcp_tw_reuse=" reuse "; net.ipv4.tcp_timestamps=" timestamps                   \
	"; net.ipv4.tcp_tw_reuse_delay=" delay
/* Of a proposal. */
#define WIDER(now, then) "net.ipv4.ip_local_port_range " now " -> " then
#define KEEPS(now, then) ", net.ipv4.ip_local_reserved_ports " now " -> " then

struct target proxy_target(uint64_t connections, uint64_t rate);
/* Fails the test where it has a {name}, "…" or a gap. */
void text_is_whole(const char *text);
