/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/finding.h"

#include <stdarg.h>

#include "base/text.h"

static void write_line(char *line, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void write_line(char *line, size_t size, const char *format, va_list args) {
	struct text text;

	text_init(&text, line, size);
	text_vformat(&text, format, args);
	text_flatten(&text, 0, '?');
}

struct finding *finding_add(struct findings *findings, enum finding_level level, const char *format,
			    ...) {
	/* The last place is scratch for what is lost. */
	struct finding *finding = &findings->items[findings->count];
	va_list args;

	if (findings->count < FINDING_MAX)
		findings->count++;
	else
		findings->lost++;
	if (level > findings->worst)
		findings->worst = level;
	finding->level = level;
	finding->remedy[0] = '\0';
	va_start(args, format);
	write_line(finding->what, sizeof(finding->what), format, args);
	va_end(args);
	return finding;
}

void finding_remedy(struct finding *finding, const char *format, ...) {
	va_list args;

	va_start(args, format);
	write_line(finding->remedy, sizeof(finding->remedy), format, args);
	va_end(args);
}
