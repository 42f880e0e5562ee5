/* Prints a comparison as JSON, schema epolltune.diff/1. */
#include "report/comparison.h"
#include "report/json_value.h"

int comparison_render_json(FILE *out, const struct comparison *c, const struct render_style *style,
			   struct err *e)
{
	struct json_writer w = {false};
	json_t *root = json_object();
	value_set(&w, root, "schema", value_text("epolltune.diff/1"));
	value_set(&w, root, "version", value_text(EPOLLTUNE_VERSION));
	value_set(&w, root, "conditions",
		  c->conditions ? json_incref(c->conditions) : json_array());
	w.failed |= !c->body || json_object_update(root, c->body) < 0;
	return value_print(out, root, &w, "the comparison", e);
}
