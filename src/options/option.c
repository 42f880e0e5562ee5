#include "options/option.h"

uint64_t option_number(const struct option_row *row, const void *arguments)
{
	const void *field = (const char *)arguments + row->field;
	return row->size == sizeof(uint8_t)    ? *(const uint8_t *)field
	       : row->size == sizeof(uint16_t) ? *(const uint16_t *)field
	       : row->size == sizeof(uint32_t) ? *(const uint32_t *)field
					       : *(const uint64_t *)field;
}
