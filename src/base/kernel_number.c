#include "base/kernel_number.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/saturated.h"

/* TMPBUFLEN of the kernel: a number has fewer characters, the sign included, than fit with a NUL.
 */
#define CHARACTERS 21

/* As _parse_integer_fixup_radix() in lib/kstrtox.c. */
static int base_of(const char *digits)
{
	if (*digits != '0')
		return 10;
	return (digits[1] == 'x' || digits[1] == 'X') && isxdigit((unsigned char)digits[2]) ? 16
											    : 8;
}

/* As proc_get_long() in kernel/sysctl.c. strtoull() alone takes blanks and signs before a number,
 * and some take "0b1". */
const char *kernel_number(const char *text, const char *ends, int64_t *value)
{
	bool negative = *text == '-';
	const char *digits = text + negative;
	char *end;
	if (!isdigit((unsigned char)*digits))
		return NULL;
	errno = 0;
	unsigned long long number = strtoull(digits, &end, base_of(digits));
	if (errno || end - text >= CHARACTERS || (*end && !strchr(ends, *end)))
		return NULL;
	*value = saturated(number);
	*value = negative ? -*value : *value;
	return end;
}
