/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The old clustercheck's ways to be configured: positional arguments, environment, and the
 * sysconfig file that the scripts source as shell (here it is parsed and never executed).
 *
 * Contract: olafz/percona-clustercheck, percona-xtradb-cluster 8.0, and the galera packages of
 * Fedora and RHEL; the "-" form is that of PXC-4805.
 */
#ifndef CLUSTERCHECKD_CONFIG_LEGACY_H
#define CLUSTERCHECKD_CONFIG_LEGACY_H

#include <stdio.h>

#include "config/config.h"

enum legacy_key {
	LEGACY_USERNAME,
	LEGACY_PASSWORD,
	LEGACY_HOST,
	LEGACY_PORT,
	LEGACY_AVAILABLE_WHEN_DONOR,
	LEGACY_AVAILABLE_WHEN_READONLY,
	LEGACY_ERR_FILE,
	LEGACY_DEFAULTS_EXTRA_FILE,
	LEGACY_KEY_COUNT
};

/* Zero-initialised it holds nothing: every key is unset. */
struct legacy {
	bool is_set[LEGACY_KEY_COUNT];
	bool is_cut[LEGACY_KEY_COUNT]; /* too long: legacy_apply() refuses it */
	char values[LEGACY_KEY_COUNT][CONFIG_TEXT_SIZE];
};

/* Later calls win. Keys that are not ours, and lines that are no assignments, are passed over. */
void legacy_read_stream(struct legacy *legacy, FILE *stream);
void legacy_read_environment(struct legacy *legacy, char *const *environment);

/*
 * [user [password [donor [log [readonly [defaults_extra_file]]]]]], or "-" [donor [log [readonly
 * [defaults_extra_file]]]]. Further ones are passed over, as the script does.
 */
void legacy_read_arguments(struct legacy *legacy, size_t count, const char *const *arguments);

/*
 * Lays what is set over a loaded configuration, and the original's built-in account and option file
 * under it. -EINVAL with a line in `error` when a value does not fit.
 */
int legacy_apply(const struct legacy *legacy, struct config *config, struct text *error);

/* The file for error messages, or NULL. */
const char *legacy_err_file(const struct legacy *legacy);

#endif
