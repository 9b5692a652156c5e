/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/detail.h"

void detail_write(struct text *out, enum reason reason, const struct facts *facts, int64_t now) {
	bool is_of_order = reason == REASON_DISABLED || reason == REASON_DRAINING;
	bool is_of_login = reason == REASON_LOGIN_FAILING || reason == REASON_TOO_MANY_CONNECTIONS;
	size_t before = out->length;

	if (is_of_order)
		order_describe(&facts->order, now, out);
	else if (reason == REASON_JOINING && verdict_transfer_explains(facts))
		transfer_describe(&facts->transfer, now, out);
	if (out->length > before)
		return;
	if (facts->probe.error[0])
		text_append(out, facts->probe.error);
	else if (is_of_login && facts->login.error[0])
		text_append(out, facts->login.error);
	else
		text_append(out, reason_help(reason));
}
