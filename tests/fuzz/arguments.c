/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The legacy command's positional arguments, one per line: the flags mean what the scripts made of
 * them. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/legacy.h"

static void require_flags(const struct policy *policy, size_t count, char **words) {
	size_t donor = count > 0 && strcmp(words[0], "-") == 0 ? 1 : 2;

	if (policy->donor == DONOR_AVAILABLE)
		require(count > donor && strcmp(words[donor], "1") == 0);
	if (policy->read_only == ADMISSION_UNAVAILABLE)
		require(count > donor + 2 && atoi(words[donor + 2]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct config config;
	AUTO_FREE char *string = fuzz_string(data, size);
	const struct config_sources sources = {0};
	struct legacy legacy = {0};
	char *words[12], storage[512];
	size_t count = fuzz_lines(string, words, ARRAY_SIZE(words));
	struct text error;

	text_init(&error, storage, sizeof(storage));
	require(config_load(&config, &sources, &error) == 0);
	legacy_read_arguments(&legacy, count, (const char *const *)words);
	if (legacy_apply(&legacy, &config, &error) < 0) {
		require_line(storage);
		return 0;
	}
	require_flags(&config.policy, count, words);
	if (count > 0 && strcmp(words[0], "-") != 0)
		require(strcmp(config.mysql.user, words[0]) == 0);
	if (count > 1 && strcmp(words[0], "-") != 0)
		require(strcmp(config.mysql.password, words[1]) == 0);
	return 0;
}
