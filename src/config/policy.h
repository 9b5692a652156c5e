/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy: what an endpoint asks of a node, and how its answer is worded. Plain values.
 */
#ifndef CLUSTERCHECKD_CONFIG_POLICY_H
#define CLUSTERCHECKD_CONFIG_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/address.h"

enum dialect { DIALECT_PERCONA, DIALECT_PXC, DIALECT_GALERA };

enum donor_policy { DONOR_UNAVAILABLE, DONOR_AVAILABLE, DONOR_AUTO };

/* Whether a node in a doubtful condition stays in. */
/* What an agent-check says of the weight: always 100 %, or less under flow control and after a
 * return. */
enum weight_policy { WEIGHT_FIXED, WEIGHT_AUTO };

enum admission { ADMISSION_UNAVAILABLE, ADMISSION_AVAILABLE };

struct policy {
	int64_t max_age;	   /* nanoseconds; older facts are stale */
	uint64_t min_cluster_size; /* members; 0: no limit, as for the next two */
	uint64_t max_recv_queue;   /* write-sets */
	double max_flow_control;   /* share of time paused, 0 to 1 */
	enum dialect dialect;	   /* how an answer is worded; no part in the decision */
	enum donor_policy donor;
	enum admission read_only;
	enum admission saturated; /* too-many-connections on a fresh login alone */
	enum weight_policy weight;
	int64_t ramp; /* nanoseconds from 1 % to the full weight after a return, with weight auto */
};

#define ENDPOINT_PATH_SIZE 48
#define ENDPOINT_MAX 16

/* A path under which a verdict is served; "/" is always the first. */
struct endpoint {
	char path[ENDPOINT_PATH_SIZE];
	struct listen_list agent; /* addresses of its own for HAProxy's agent-check */
	struct policy policy;
};

struct endpoint_list {
	size_t count;
	struct endpoint items[ENDPOINT_MAX];
};

/* The endpoint with this path, or NULL. */
const struct endpoint *endpoint_find(const struct endpoint_list *list, const char *path);

#endif
