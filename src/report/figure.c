#include "report/figure.h"

#include <stdio.h>
#include <string.h>

#include "epolltune/quantity.h"

/* B/s as networks and disks count them, in decimal; to three figures, as all that is measured. */
static void format_byte_rate(char *text, size_t size, uint64_t value)
{
	char bits[32];
	quantity_format(bits, sizeof(bits), QUANTITY_BANDWIDTH,
			quantity_round(QUANTITY_BANDWIDTH, value));
	char *blank = strrchr(bits, ' ');
	const char *prefix = blank[1] == 'b' ? "" : (char[]){blank[1], 0};
	snprintf(text, size, "%.*s %sB/s", (int)(blank - bits), bits, prefix);
}

void figure_format(char *text, size_t size, const char *unit, int64_t value)
{
	if (value > INT64_MAX / 2) {
		snprintf(text, size, "no limit");
		return;
	}
	char *at = text;
	if (value < 0 && size > 1) {
		*at++ = '-';
		size--;
	}
	uint64_t amount = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	if (strcmp(unit, "B/s") == 0) {
		format_byte_rate(at, size, amount);
	} else if (strcmp(unit, "B") == 0) {
		quantity_format(at, size, QUANTITY_SIZE, amount);
	} else if (strcmp(unit, "us") == 0) {
		quantity_format(at, size, QUANTITY_DURATION, amount);
	} else {
		quantity_format(at, size, QUANTITY_COUNT, amount);
		size_t used = strlen(at);
		if (strlen(unit) < 4 && *unit)
			snprintf(at + used, size - used, " %s", unit);
	}
}

int64_t figure_of(const struct wall *w)
{
	return w->method == METHOD_MEASURED && w->measured != REPORT_NONE ? w->measured : w->limit;
}

char *figure_text(char *text, size_t size, const struct wall *w)
{
	char figure[48];
	bool measured = w->method == METHOD_MEASURED && w->measured != REPORT_NONE;
	if (figure_of(w) == REPORT_NONE) {
		snprintf(text, size, "?");
		return text;
	}
	figure_format(figure, sizeof(figure), w->unit, figure_of(w));
	snprintf(text, size, "%s%s",
		 measured && w->at_least   ? "≥ "
		 : !measured && w->at_most ? "≤ "
					   : "",
		 figure);
	return text;
}
