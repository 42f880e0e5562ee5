#include "report/target_fields.h"

const struct target_field target_fields[] = {
	{"connections", "connections", QUANTITY_COUNT, offsetof(struct target, connections), false},
	{"rate_per_s", "rate", QUANTITY_RATE, offsetof(struct target, rate_per_s), false},
	{"stall_us", "stall", QUANTITY_DURATION, offsetof(struct target, stall_us), false},
	{"rtt_us", "RTT", QUANTITY_DURATION, offsetof(struct target, rtt_us), false},
	{"bandwidth_bps", "bandwidth", QUANTITY_BANDWIDTH, offsetof(struct target, bandwidth_bps),
	 false},
	{"datagrams_per_s", "datagrams", QUANTITY_RATE, offsetof(struct target, datagrams_per_s),
	 true},
	{"datagram_bytes", "datagram", QUANTITY_SIZE, offsetof(struct target, datagram_bytes),
	 true},
	{"idle_us", "idle timeout", QUANTITY_DURATION, offsetof(struct target, idle_us), true},
	{0},
};
