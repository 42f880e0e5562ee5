#include "../support/support.h"
#include "lab/delay_line.h"
#include "lab/wire_delay.h"

#include <stdlib.h>
#include <string.h>

#define MS ((uint64_t)1000000)
#define MBIT ((uint64_t)1000000)

static struct delay_line line;
static void *memory;

static void line_make(struct delay_line_config config, size_t size)
{
	free(memory);
	if (!size)
		size = delay_line_memory(&config, 1000 * MBIT);
	memory = malloc(size);
	assert_non_null(memory);
	delay_line_init(&line, &config, memory, size);
}

static int line_free(void **state)
{
	free(memory);
	memory = NULL;
	return 0;
}

/* A packet filled with `number`, which also determines its length. */
static size_t packet_length(unsigned number)
{
	return 1 + (size_t)number * 7919 % DELAY_LINE_PACKET;
}

static enum delay_line_fate packet_push(unsigned number, size_t length, uint64_t now)
{
	memset(delay_line_space(&line), (int)(number & 0xff), length);
	return delay_line_push(&line, length, now);
}

static void packet_expect(unsigned number, size_t length, uint64_t now)
{
	size_t got;
	const unsigned char *data = delay_line_peek(&line, now, &got);
	assert_non_null(data);
	assert_int_equal(got, length);
	assert_int_equal(data[0], number & 0xff);
	assert_memory_equal(data, data + 1, length - 1);
	delay_line_pop(&line);
}

static void an_empty_line_has_nothing_due(void **state)
{
	size_t length;
	line_make((struct delay_line_config){.delay_ns = MS}, 0);
	assert_true(delay_line_next(&line) == UINT64_MAX);
	assert_null(delay_line_peek(&line, UINT64_MAX - 1, &length));
}

static void a_packet_is_due_after_the_delay_and_not_before(void **state)
{
	size_t length;
	line_make((struct delay_line_config){.delay_ns = 20 * MS}, 0);
	assert_int_equal(packet_push(1, 100, 5 * MS), DELAY_LINE_TAKEN);
	assert_int_equal(delay_line_next(&line), 25 * MS);
	assert_null(delay_line_peek(&line, 25 * MS - 1, &length));
	packet_expect(1, 100, 25 * MS);
	assert_true(delay_line_next(&line) == UINT64_MAX);
}

/* Each direction of a path has half the RTT, the bandwidth and losses of its own. */
static void a_path_is_two_lines(void **state)
{
	const struct wire_delay_config path = {
		.rtt_us = 40000, .bandwidth_bps = 80 * MBIT, .loss = 0.01, .seed = 7};
	for (unsigned way = 0; way < 2; way++) {
		struct delay_line_config c = wire_delay_line(&path, way);
		assert_int_equal(c.delay_ns, 20 * MS);
		assert_int_equal(c.bandwidth_bps, 80 * MBIT);
		assert_int_equal(c.queue_bytes, 400000);
		assert_true(c.loss == 0.01);
		assert_int_equal(c.seed, 7 + way);
	}
}

static void packets_leave_in_order(void **state)
{
	line_make((struct delay_line_config){.delay_ns = MS,
					     .bandwidth_bps = 8000 * MBIT,
					     .queue_bytes = 1 << 20},
		  0);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(packet_push(i, packet_length(i), i), DELAY_LINE_TAKEN);
	uint64_t last = 0;
	for (unsigned i = 0; i < 12; i++) {
		assert_true(delay_line_next(&line) >= last);
		last = delay_line_next(&line);
		packet_expect(i, packet_length(i), UINT64_MAX - 1);
	}
}

static void the_link_sends_one_after_the_other(void **state)
{
	/* 10 Mbit/s: 1250 bytes take 1 ms; the 10 bytes of the header take no time. */
	line_make((struct delay_line_config){.delay_ns = 7 * MS,
					     .bandwidth_bps = 10 * MBIT,
					     .queue_bytes = 100000,
					     .header_bytes = 10},
		  0);
	for (unsigned i = 0; i < 5; i++)
		packet_push(i, 1260, 3 * MS);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(delay_line_next(&line), (3 + 1 + i + 7) * MS);
		packet_expect(i, 1260, UINT64_MAX - 1);
	}
	/* An idle link accumulates no credit. */
	packet_push(9, 1260, 50 * MS);
	packet_push(9, 1260, 50 * MS);
	assert_int_equal(delay_line_next(&line), 58 * MS);
	delay_line_pop(&line);
	assert_int_equal(delay_line_next(&line), 59 * MS);
}

/* The first packets of a download of 300 kB over 20 ms and 100 Mbit/s, as the relay read them: when
 * (us), how long; and when each is due (us) over that path, and over one of 10 Mbit/s with a queue
 * of 40 kB. */
#define DROPPED 0
static const struct {
	uint64_t us;
	size_t length;
	uint64_t due_us, slow_due_us;
} recorded[] = {
	{0, 58, 10003, 10038},
	{91893, 70, 101897, 101941},
	{112498, 1086, 122584, 123358},
	{112582, 9010, 123304, 130558},
	{112616, 9010, 124024, 137758},
	{113065, 9010, 124744, 144958},
	{113073, 9010, 125464, 152158},
	{113078, 9010, 126184, 159358},
	{113084, 9010, 126904, DROPPED},
	{133449, 17958, 144884, 173717},
	{134162, 17958, 146320, 188075},
	{142022, 17958, 153457, DROPPED},
	{142762, 17958, 154893, DROPPED},
	{162138, 17958, 173573, 202434},
	{162864, 17958, 175009, 216792},
	{169240, 17958, 180675, DROPPED},
	{169994, 17958, 182111, DROPPED},
	{183820, 17958, 195255, 231150},
	{185207, 17958, 196691, DROPPED},
	{191048, 17958, 202483, 245509},
	{192294, 17958, 203919, DROPPED},
	{193265, 17958, 205355, DROPPED},
	{194710, 12702, 206370, DROPPED},
};
#define RECORDED (sizeof(recorded) / sizeof(*recorded))

static void replay(uint64_t bandwidth_bps, uint64_t queue_bytes, bool slow)
{
	line_make((struct delay_line_config){.delay_ns = 10 * MS,
					     .bandwidth_bps = bandwidth_bps,
					     .queue_bytes = queue_bytes,
					     .header_bytes = 10},
		  0);
	for (unsigned i = 0; i < RECORDED; i++) {
		uint64_t due = slow ? recorded[i].slow_due_us : recorded[i].due_us;
		enum delay_line_fate fate =
			packet_push(i, recorded[i].length, recorded[i].us * 1000);
		assert_int_equal(fate, due == DROPPED ? DELAY_LINE_DROPPED : DELAY_LINE_TAKEN);
	}
	for (unsigned i = 0; i < RECORDED; i++) {
		uint64_t due = slow ? recorded[i].slow_due_us : recorded[i].due_us;
		if (due == DROPPED)
			continue;
		assert_int_equal(delay_line_next(&line) / 1000, due);
		packet_expect(i, recorded[i].length, delay_line_next(&line));
	}
	assert_true(delay_line_next(&line) == UINT64_MAX);
}

static void recorded_packets_are_due_at_their_time(void **state)
{
	replay(100 * MBIT, 1 << 20, false);
	replay(10 * MBIT, 40000, true);
}

static void the_queue_is_bounded(void **state)
{
	/* The queue holds 5000 bytes: packets that find 0, 1250, … 5000 bytes are taken, 5 in
	 * all. */
	line_make((struct delay_line_config){.delay_ns = MS,
					     .bandwidth_bps = 10 * MBIT,
					     .queue_bytes = 5000},
		  0);
	unsigned taken = 0, dropped = 0;
	for (unsigned i = 0; i < 20; i++) {
		enum delay_line_fate fate = packet_push(i, 1250, 0);
		taken += fate == DELAY_LINE_TAKEN;
		dropped += fate == DELAY_LINE_DROPPED;
	}
	assert_int_equal(taken, 5);
	assert_int_equal(dropped, 15);
	/* Two have left the link since. */
	assert_int_equal(packet_push(1, 1250, 2 * MS), DELAY_LINE_TAKEN);
	assert_int_equal(packet_push(1, 1250, 2 * MS), DELAY_LINE_TAKEN);
	assert_int_equal(packet_push(1, 1250, 2 * MS), DELAY_LINE_DROPPED);
}

static void a_queue_shorter_than_a_packet_takes_one(void **state)
{
	line_make((struct delay_line_config){.bandwidth_bps = MBIT, .queue_bytes = 1}, 0);
	assert_int_equal(packet_push(1, 60000, 0), DELAY_LINE_TAKEN);
	assert_int_equal(packet_push(1, 60000, 0), DELAY_LINE_DROPPED);
}

/* Bit i is set if packet i was lost. */
static uint64_t losses(double loss, uint64_t seed)
{
	uint64_t lost = 0;
	line_make((struct delay_line_config){.loss = loss, .seed = seed}, 0);
	for (unsigned i = 0; i < 64; i++) {
		if (packet_push(i, 10, i) == DELAY_LINE_LOST)
			lost |= (uint64_t)1 << i;
		else
			packet_expect(i, 10, UINT64_MAX - 1);
	}
	return lost;
}

static void loss_repeats_with_its_seed(void **state)
{
	assert_true(losses(0.3, 42) == losses(0.3, 42));
	assert_true(losses(0.3, 42) != losses(0.3, 43));
	assert_true(losses(0, 42) == 0);
	assert_true(losses(1, 42) == UINT64_MAX);
}

static void loss_has_the_requested_share(void **state)
{
	line_make((struct delay_line_config){.loss = 0.01, .seed = 1}, 0);
	unsigned lost = 0;
	for (unsigned i = 0; i < 100000; i++) {
		if (packet_push(i, 1, i) == DELAY_LINE_LOST)
			lost++;
		else
			delay_line_pop(&line);
	}
	/* 1000 expected, standard deviation 31. */
	assert_in_range(lost, 800, 1200);
}

static void the_ring_wraps_without_mixing_packets_up(void **state)
{
	line_make((struct delay_line_config){.delay_ns = MS}, 5 * DELAY_LINE_PACKET);
	unsigned number = 0, in = 0, out = 0, dropped = 0;
	unsigned kept[16];
	while (out < 5000) {
		/* Push as many as fit, then pop a varying number. */
		while (in - out < 3 + out % 5) {
			size_t length = packet_length(number);
			if (packet_push(number, length, in) == DELAY_LINE_DROPPED) {
				number++;
				dropped++;
				break;
			}
			kept[in % 16] = number++;
			in++;
		}
		for (unsigned i = 0; i < 1 + out % 3 && out < in; i++, out++)
			packet_expect(kept[out % 16], packet_length(kept[out % 16]),
				      UINT64_MAX - 1);
	}
	assert_true(dropped > 0);
}

static void full_memory_drops_and_recovers(void **state)
{
	const size_t full = DELAY_LINE_PACKET;
	line_make((struct delay_line_config){.delay_ns = MS}, 7 * full / 2);
	assert_int_equal(packet_push(1, full, 0), DELAY_LINE_TAKEN);
	assert_int_equal(packet_push(2, full, 0), DELAY_LINE_TAKEN);
	assert_int_equal(packet_push(3, full, 0), DELAY_LINE_TAKEN);
	assert_int_equal(packet_push(4, 1, 0), DELAY_LINE_DROPPED);
	packet_expect(1, full, UINT64_MAX - 1);
	assert_int_equal(packet_push(5, full, 0), DELAY_LINE_TAKEN);
	assert_int_equal(packet_push(6, full, 0), DELAY_LINE_DROPPED);
	packet_expect(2, full, UINT64_MAX - 1);
	packet_expect(3, full, UINT64_MAX - 1);
	packet_expect(5, full, UINT64_MAX - 1);
	assert_true(delay_line_next(&line) == UINT64_MAX);
}

static void the_memory_holds_what_the_path_holds(void **state)
{
	/* Full-size packets, and the shortest ones, whose records take most memory, at the rate of
	 * the link. */
	static const size_t lengths[] = {60, 576, 1500, 65536};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct delay_line_config config = {
			.delay_ns = 20 * MS, .bandwidth_bps = 100 * MBIT, .queue_bytes = 500000};
		line_make(config, 0);
		uint64_t bytes = 0;
		while (packet_push(1, lengths[i], 0) == DELAY_LINE_TAKEN)
			bytes += lengths[i];
		assert_true(bytes >= 500000);
		uint64_t per_packet = lengths[i] * 8 * 10;
		uint64_t pushed = 0;
		size_t length;
		for (uint64_t now = per_packet; now < 60 * MS; now += per_packet, pushed++) {
			while (delay_line_peek(&line, now, &length))
				delay_line_pop(&line);
			assert_int_equal(packet_push(1, lengths[i], now), DELAY_LINE_TAKEN);
		}
		assert_true(pushed > 10);
	}
	struct delay_line_config absurd = {.delay_ns = UINT64_MAX, .bandwidth_bps = UINT64_MAX};
	assert_int_equal(delay_line_memory(&absurd, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_line_has_nothing_due),
		cmocka_unit_test(a_packet_is_due_after_the_delay_and_not_before),
		cmocka_unit_test(a_path_is_two_lines),
		cmocka_unit_test(packets_leave_in_order),
		cmocka_unit_test(the_link_sends_one_after_the_other),
		cmocka_unit_test(recorded_packets_are_due_at_their_time),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(a_queue_shorter_than_a_packet_takes_one),
		cmocka_unit_test(loss_repeats_with_its_seed),
		cmocka_unit_test(loss_has_the_requested_share),
		cmocka_unit_test(the_ring_wraps_without_mixing_packets_up),
		cmocka_unit_test(full_memory_drops_and_recovers),
		cmocka_unit_test(the_memory_holds_what_the_path_holds),
	};
	return cmocka_run_group_tests(tests, NULL, line_free);
}
