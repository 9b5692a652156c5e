/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/policy.h"

#include <string.h>

const struct endpoint *endpoint_find(const struct endpoint_list *list, const char *path) {
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].path, path) == 0)
			return &list->items[i];
	return NULL;
}
