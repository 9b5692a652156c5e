/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/option.h"
#include "node/doctor.h"
#include "node/maintenance.h"

/* False, and a finding, when the file is not there or may not be looked at. */
static bool look_at(const char *name, const char *path, struct stat *status,
		    struct findings *findings) {
	if (stat(path, status) == 0)
		return true;
	if (errno == EACCES)
		finding_remedy(finding_add(findings, FINDING_NOTE, "%s %s may not be looked at",
					   name, path),
			       "run the doctor as root");
	else
		finding_remedy(finding_add(findings, FINDING_PROBLEM, "%s %s: %s", name, path,
					   strerror(errno)),
			       "create it, or correct the configuration");
	return false;
}

/* Returns true when a finding was added. */
static bool judge_mode(const char *name, const char *path, const struct stat *status, bool secret,
		       struct findings *findings) {
	if (status->st_mode & S_IWOTH) {
		finding_remedy(finding_add(findings, FINDING_PROBLEM,
					   "%s %s is writable by everyone", name, path),
			       "chmod %s %s", secret ? "o-rwx" : "o-w", path);
		return true;
	}
	if (secret && status->st_mode & S_IROTH) {
		finding_remedy(finding_add(findings, FINDING_PROBLEM,
					   "%s %s holds a secret and is readable by everyone", name,
					   path),
			       "chmod o-rwx %s; a service reads it through its group", path);
		return true;
	}
	return false;
}

static void judge_file(const char *name, const char *path, bool secret, struct findings *findings) {
	struct stat status;

	if (!look_at(name, path, &status, findings) ||
	    judge_mode(name, path, &status, secret, findings))
		return;
	if (secret && status.st_size == 0)
		finding_remedy(finding_add(findings, FINDING_WARNING, "%s %s is empty", name, path),
			       "put the password into its first line");
	else
		finding_add(findings, FINDING_OK, "%s %s (mode %04o)", name, path,
			    (unsigned int)status.st_mode & 07777);
}

static bool line_sets_password(const char *line) {
	line += strspn(line, " \t");
	if (strncmp(line, "password", 8) != 0)
		return false;
	line += 8 + strspn(line + 8, " \t");
	return *line == '=' && line[1 + strspn(line + 1, " \t\r\n")];
}

static bool holds_password(const char *path) {
	AUTO_FILE FILE *stream = fopen(path, "re");
	char line[512];

	while (stream && fgets(line, sizeof(line), stream))
		if (line_sets_password(line))
			return true;
	return false;
}

static enum config_layer password_layer(const struct config *config) {
	return config->settings[option_find("mysql", "password")].layer;
}

static void judge_config_file(const struct config *config, struct findings *findings) {
	bool secret = config->mysql.password[0] && password_layer(config) == LAYER_FILE;

	if (config->file[0])
		judge_file("configuration", config->file, secret, findings);
	else
		finding_add(findings, FINDING_NOTE,
			    "no configuration file: built-in values and the environment");
	if (config->mysql.password[0] && password_layer(config) == LAYER_ENVIRONMENT)
		finding_remedy(finding_add(findings, FINDING_NOTE,
					   "the password stands in the environment"),
			       "[mysql] password_file, readable by the service alone");
}

void doctor_files(const struct config *config, struct findings *findings) {
	judge_config_file(config, findings);
	if (config->mysql.password_file[0])
		judge_file("password file", config->mysql.password_file, true, findings);
	if (config->mysql.defaults_file[0])
		judge_file("defaults file", config->mysql.defaults_file,
			   holds_password(config->mysql.defaults_file), findings);
	if (config->mysql.tls_ca[0])
		judge_file("certificate authority", config->mysql.tls_ca, false, findings);
	if (config->mysql.server_public_key[0])
		judge_file("server's public key", config->mysql.server_public_key, false, findings);
	if (config->http.tls_cert[0])
		judge_file("certificate", config->http.tls_cert, false, findings);
	if (config->http.tls_key[0])
		judge_file("private key", config->http.tls_key, true, findings);
}

/* --- timing --------------------------------------------------------------------------------- */

static void judge_clock(struct findings *findings) {
	struct timex clock = {.modes = 0};

	/* adjtimex(2): TIME_ERROR while the clock is not synchronised. */
	if (adjtimex(&clock) == TIME_ERROR)
		finding_remedy(finding_add(findings, FINDING_NOTE,
					   "the clock is not synchronised: no verdict depends on "
					   "it, but the times in logs do"),
			       "timedatectl set-ntp true");
}

void doctor_timing(const struct config *config, struct findings *findings) {
	int64_t longest = config->interval + config->mysql.timeout;
	int64_t max_age = config->policy.max_age;

	if (max_age < longest)
		finding_remedy(finding_add(findings, FINDING_WARNING,
					   "max_age %" PRId64 " ms is less than interval + timeout "
					   "(%" PRId64 " ms): one slow probe makes the node stale",
					   max_age / NSEC_PER_MSEC, longest / NSEC_PER_MSEC),
			       "[mysql] max_age=%" PRId64 "ms or more, or a shorter timeout",
			       longest / NSEC_PER_MSEC);
	else
		finding_add(findings, FINDING_OK,
			    "max_age %" PRId64 " ms covers interval + timeout (%" PRId64 " ms)",
			    max_age / NSEC_PER_MSEC, longest / NSEC_PER_MSEC);
	if (config->login_interval < config->interval)
		finding_remedy(finding_add(findings, FINDING_NOTE,
					   "login_interval is shorter than interval: most probes "
					   "bring a fresh login"),
			       "[mysql] login_interval=5s");
	judge_clock(findings);
}

/* --- orders --------------------------------------------------------------------------------- */

static void judge_legacy_file(const char *path, struct findings *findings) {
	struct stat status;

	if (!maintenance_is_legacy(path))
		return;
	if (stat(path, &status) == 0)
		finding_remedy(finding_add(findings, FINDING_WARNING,
					   "the node is disabled while %s exists", path),
			       "rm %s", path);
	else
		finding_remedy(finding_add(findings, FINDING_PROBLEM,
					   "%s: %s: what cannot be known counts as disabled", path,
					   strerror(errno)),
			       "let this user search the directory, or run the doctor as root");
}

static void judge_legacy_files(const struct config *config, struct findings *findings) {
	judge_legacy_file(config->legacy_file, findings);
	if (strcmp(config->legacy_file, CONFIG_LEGACY_FILE) != 0 &&
	    access(CONFIG_LEGACY_FILE, F_OK) == 0)
		finding_remedy(finding_add(findings, FINDING_NOTE,
					   "%s exists: it disables clustercheck, but not "
					   "clustercheckd, whose legacy_file is another",
					   CONFIG_LEGACY_FILE),
			       "rm %s", CONFIG_LEGACY_FILE);
}

static void judge_order(const struct order *order, struct findings *findings) {
	char storage[512];
	struct text line;

	text_init(&line, storage, sizeof(storage));
	order_describe(order, clock_now(), &line);
	if (order->origin == ORDER_DAMAGED)
		finding_remedy(finding_add(findings, FINDING_PROBLEM, "the node is %s", storage),
			       "clustercheckctl enable, or disable: either replaces it");
	else if (line.length > 0)
		finding_remedy(finding_add(findings, FINDING_WARNING, "the node is %s", storage),
			       "clustercheckctl enable");
}

void doctor_orders(const struct config *config, struct findings *findings) {
	struct maintenance_files files = maintenance_files_of(config);
	struct order order;

	/* Findings of its own follow. */
	files.legacy_file[0] = '\0';
	maintenance_look(&files, &order);
	judge_order(&order, findings);
	judge_legacy_files(config, findings);
}
