/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/findings.h"

static const struct {
	const char *name;
	const char *colour;
} levels[] = {
	[FINDING_OK] = {"ok", "\033[32m"},
	[FINDING_NOTE] = {"note", "\033[36m"},
	[FINDING_WARNING] = {"warning", "\033[33m"},
	[FINDING_PROBLEM] = {"problem", "\033[31m"},
};

void findings_print(const struct findings *findings, bool colour, FILE *stream) {
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		fprintf(stream, "%s%-8s%s %s%s%s\n", colour ? levels[finding->level].colour : "",
			levels[finding->level].name, colour ? "\033[0m" : "", finding->what,
			finding->remedy[0] ? " → " : "", finding->remedy);
	}
	if (findings->lost > 0)
		fprintf(stream, "%zu more findings\n", findings->lost);
}
