/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The endpoints: "/", "/rw" and "/ro", which are built in, and those that [endpoint /NAME] sections
 * add or change. What the sections say is kept as it was written, and worked out last, because a
 * later layer may still change the [policy] that endpoints inherit.
 *
 * Failures are -EINVAL with one line in `error` that names place, key and what was expected.
 */
#ifndef CLUSTERCHECKD_CONFIG_ENDPOINTS_H
#define CLUSTERCHECKD_CONFIG_ENDPOINTS_H

#include "base/text.h"
#include "config/config.h"

/* The path in the title "endpoint /NAME", as it stands there; NULL for any other section's. */
const char *endpoints_path(const char *section);

/* Takes a section as such: an endpoint without keys of its own judges as [policy] does. */
int endpoints_declare(struct config *config, const char *path, struct text *error);

/* Takes one key of a section; `line` is 0 outside the file. */
int endpoints_override(struct config *config, const char *path, const char *key, const char *value,
		       enum config_layer layer, unsigned int line, struct text *error);

/* Works config->endpoints out; again, when `policy` was changed in place. */
int endpoints_resolve(struct config *config, struct text *error);

#endif
