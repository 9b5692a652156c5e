/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long texts may be that people write, in bytes with the final NUL.
 */
#ifndef CLUSTERCHECKD_CONFIG_LIMITS_H
#define CLUSTERCHECKD_CONFIG_LIMITS_H

#define CONFIG_PATH_SIZE 256
#define CONFIG_TEXT_SIZE 256

/* Who gave an order, and why. */
#define ORDER_BY_SIZE 64
#define ORDER_REASON_SIZE 200

#endif
