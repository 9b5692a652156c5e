/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of a daemon's status: whatever it takes for facts, written again, is judged alike. */
#include "fuzz.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "view/status.h"
#include "view/status_reader.h"

#define NOW (INT64_C(1000000) * NSEC_PER_SEC)

static enum reason judge(const struct facts *facts) {
	static const struct policy policy = {.max_age = 2 * NSEC_PER_SEC,
					     .read_only = ADMISSION_UNAVAILABLE};

	return verdict(facts, &policy, NOW).reason;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct report report = {
		.now = NOW,
		.snapshot.endpoints = {.count = 1, .items[0].path = "/"},
	};
	AUTO_FREE char *text = fuzz_string(data, size);
	AUTO_FREE char *json = NULL;
	static struct facts again;
	enum reason reason;

	if (status_read_reason(text, "/", &reason) == 0)
		require(reason_name(reason)[0]);
	if (status_read_facts(text, NOW, &report.snapshot.facts) < 0)
		return 0;
	report.snapshot.endpoints.items[0].policy.max_age = 2 * NSEC_PER_SEC;
	json = status_json(&report, false);
	require(json);
	require(status_read_facts(json, NOW, &again) == 0);
	require(judge(&again) == judge(&report.snapshot.facts));
	return 0;
}
