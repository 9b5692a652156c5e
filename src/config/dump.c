/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "config/config.h"
#include "config/option.h"

static void dump_setting(const struct config *config, const struct config_option *option,
			 const struct setting *setting, FILE *stream) {
	/* Behind a comment sign, so that what is dumped loads again, without the secret. */
	bool hidden = option->secret && setting->text[0];

	switch (setting->layer) {
	case LAYER_BUILTIN:
		fputs("# built-in\n", stream);
		break;
	case LAYER_FILE:
		fprintf(stream, "# %s:%u\n", config->file, setting->line);
		break;
	case LAYER_ENVIRONMENT:
		fputs("# environment\n", stream);
		break;
	case LAYER_ARGUMENT:
		fputs("# argument -o\n", stream);
		break;
	}
	fprintf(stream, "%s%s=%s\n", hidden ? "#" : "", option->key,
		hidden ? "***" : setting->text);
}

static bool has_section(const struct config *config, const char *path) {
	for (size_t i = 0; i < config->path_count; i++)
		if (strcmp(config->paths[i], path) == 0)
			return true;
	for (size_t i = 0; i < config->override_count; i++)
		if (strcmp(config->overrides[i].path, path) == 0)
			return true;
	return false;
}

static void dump_endpoint(const struct config *config, const char *path, FILE *stream) {
	if (!has_section(config, path))
		return;
	fprintf(stream, "\n[endpoint %s]\n", path);
	for (size_t i = 0; i < config->override_count; i++) {
		const struct endpoint_override *override = &config->overrides[i];

		if (strcmp(override->path, path) == 0)
			dump_setting(config, option_at(override->option), &override->setting,
				     stream);
	}
}

void config_dump(const struct config *config, FILE *stream) {
	const char *section = "";

	for (size_t i = 0; i < option_count(); i++) {
		const struct config_option *option = option_at(i);

		if (option_is_of_endpoint(option))
			continue;
		if (strcmp(section, option->section) != 0) {
			section = option->section;
			fprintf(stream, "%s[%s]\n", i == 0 ? "" : "\n", section);
		}
		dump_setting(config, option, &config->settings[i], stream);
	}
	for (size_t i = 0; i < config->endpoints.count; i++)
		dump_endpoint(config, config->endpoints.items[i].path, stream);
}
