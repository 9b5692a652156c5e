/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/maintenance.h"

#include <errno.h>
#include <sys/stat.h>

enum maintenance maintenance_read(const char *legacy_file) {
	struct stat status;

	if (!legacy_file[0])
		return MAINTENANCE_NONE;
	if (stat(legacy_file, &status) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return MAINTENANCE_NONE;
	return MAINTENANCE_DISABLED;
}
