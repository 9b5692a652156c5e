/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The option ledger: one row per configuration key. The parser, --help, --dump-config, the man page
 * check and the sample file check are all made from it; there is no second list.
 */
#ifndef CLUSTERCHECKD_CONFIG_OPTION_H
#define CLUSTERCHECKD_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum option_type {
	OPTION_TEXT,
	OPTION_PATH,	 /* absolute, or empty */
	OPTION_DURATION, /* int64_t nanoseconds, written with a unit */
	OPTION_COUNT,	 /* uint64_t */
	OPTION_SHARE,	 /* double 0 to 1, or written as a percentage */
	OPTION_WORD,	 /* an enum: one of `words` */
	OPTION_LEVEL,	 /* enum log_level */
	OPTION_FLAG,	 /* bool: yes or no */
	OPTION_LISTEN,	 /* struct listen_list */
	OPTION_NETWORKS	 /* struct network_list */
};

struct config_option {
	const char *section;
	const char *key;
	enum option_type type;
	size_t offset; /* of the value in struct config; of section "endpoint" in struct endpoint */
	size_t size;   /* of the value, in bytes */
	const char *fallback;
	int64_t min, max;	  /* of durations (nanoseconds) and counts */
	const char *const *words; /* NULL-terminated; the index is the enum's value */
	bool reloadable;	  /* SIGHUP applies it; otherwise it takes a restart */
	bool secret;
	const char *help;
};

size_t option_count(void);
const struct config_option *option_at(size_t index);

/* Index of the option, or -ENOENT. */
int option_find(const char *section, const char *key);

/* One that stands in [endpoint /NAME] only, and has no value of its own elsewhere. */
bool option_is_of_endpoint(const struct config_option *option);

bool option_section_exists(const char *section);

/* Writes the parsed value to `target`, which has the option's type; -EINVAL leaves it undefined. */
int option_parse(const struct config_option *option, const char *value, void *target);

/* What option_parse() accepts, as the end of the sentence "expected ...". */
void option_expectation(const struct config_option *option, struct text *out);

/* "500ms", "2s", "5m" or "1h" in nanoseconds; -EINVAL for anything else, or out of bounds. */
int duration_parse(const char *value, int64_t min, int64_t max, int64_t *duration);

#endif
