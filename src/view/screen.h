/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status as a screen for people.
 */
#ifndef CLUSTERCHECKD_VIEW_SCREEN_H
#define CLUSTERCHECKD_VIEW_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

/* Prints what status_json() made; -EINVAL when `json` is something else. */
int screen_print(const char *json, bool colour, FILE *stream);

#endif
