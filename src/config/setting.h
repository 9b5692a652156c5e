/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A setting as it was written: remembered with where it stands, or refused. Both fail with -EINVAL
 * and one line in `error`; a secret's value is never in it.
 */
#ifndef CLUSTERCHECKD_CONFIG_SETTING_H
#define CLUSTERCHECKD_CONFIG_SETTING_H

#include "base/text.h"
#include "config/config.h"
#include "config/option.h"

/*
 * Fills `setting`, which may hold an earlier layer's. Refuses what is too long, has control
 * characters, or stands in the file twice. `line` is 0 outside the file.
 */
int setting_record(struct setting *setting, const struct config_option *option, const char *value,
		   enum config_layer layer, unsigned int line, struct text *error);

/* Says what the option expects instead of `value`; always -EINVAL. */
int setting_refuse(const struct config_option *option, const char *value, struct text *error);

#endif
