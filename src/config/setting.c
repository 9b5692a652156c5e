/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/setting.h"

#include <errno.h>

int setting_refuse(const struct config_option *option, const char *value, struct text *error) {
	text_format(error, "[%s] %s: expected ", option->section, option->key);
	option_expectation(option, error);
	if (!option->secret)
		text_format(error, ", not \"%.80s\"", value);
	return -EINVAL;
}

int setting_record(struct setting *setting, const struct config_option *option, const char *value,
		   enum config_layer layer, unsigned int line, struct text *error) {
	if (layer == LAYER_FILE && setting->layer == LAYER_FILE) {
		text_format(error, "%s is set twice: first in line %u", option->key, setting->line);
		return -EINVAL;
	}
	/* From the environment or an argument there may be line breaks, which no file can hold. */
	for (const char *byte = value; *byte; byte++) {
		if ((unsigned char)*byte < 0x20 && *byte != '\t') {
			text_format(error, "[%s] %s: expected no control characters",
				    option->section, option->key);
			return -EINVAL;
		}
	}
	if (!text_copy(setting->text, sizeof(setting->text), value))
		return setting_refuse(option, value, error);
	setting->layer = layer;
	setting->line = line;
	return 0;
}
