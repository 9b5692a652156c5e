/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "node/doctor.h"

#define WORD_MAX 64
#define XINETD_FILE "/etc/xinetd.conf" /* xinetd(8): without -f */

static const char *base_name(const char *path) {
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Options of clustercheck that take a value; they stand before USER and PASSWORD. */
static bool takes_value(const char *word) {
	return strcmp(word, "--config") == 0 || strcmp(word, "--endpoint") == 0;
}

/* clustercheck [OPTION]... USER PASSWORD; "-" in place of both shows none. */
static bool check_shows_password(const char *const *words, size_t count) {
	size_t i = 0;

	while (i < count && strncmp(words[i], "--", 2) == 0)
		i += takes_value(words[i]) ? 2 : 1;
	return i + 1 < count && strcmp(words[i], "-") != 0 && words[i + 1][0];
}

static bool daemon_shows_password(const char *const *words, size_t count) {
	for (size_t i = 0; i < count; i++) {
		const char *at = strstr(words[i], "mysql.password=");

		if (at && at[strlen("mysql.password=")])
			return true;
	}
	return false;
}

bool arguments_show_password(const char *const *words, size_t count) {
	/* A script's name stands behind its interpreter's. */
	for (size_t i = 0; i < 2 && i < count; i++) {
		if (strcmp(base_name(words[i]), "clustercheck") == 0)
			return check_shows_password(words + i + 1, count - i - 1);
		if (strcmp(base_name(words[i]), "clustercheckd") == 0)
			return daemon_shows_password(words + i + 1, count - i - 1);
	}
	return false;
}

/* --- what xinetd would run ------------------------------------------------------------------ */

struct service {
	const char *file;
	char server[256];
	char arguments[1024];
	bool disabled;
};

static void judge_service(struct service *service, struct findings *findings) {
	const char *words[WORD_MAX] = {service->server};
	char *rest = service->arguments, *word;
	size_t count = 1;

	while ((word = strsep(&rest, " \t")) && count < WORD_MAX)
		if (word[0])
			words[count++] = word;
	if (!service->disabled && arguments_show_password(words, count))
		finding_remedy(finding_add(findings, FINDING_PROBLEM,
					   "server_args in %s hold a password: each check shows it "
					   "in the process list",
					   service->file),
			       "use \"-\" and an option file instead, or clustercheckd");
}

static void take_attribute(struct service *service, char *line) {
	char *value = strchr(line, '=');
	char *name = strtok(line, " \t+-=");

	if (!name || !value)
		return;
	value += 1 + strspn(value + 1, " \t");
	if (strcmp(name, "server") == 0)
		text_copy(service->server, sizeof(service->server), value);
	else if (strcmp(name, "server_args") == 0)
		text_copy(service->arguments, sizeof(service->arguments), value);
	else if (strcmp(name, "disable") == 0)
		service->disabled = strcmp(value, "yes") == 0;
}

/*
 * Anyone may call a process xinetd, and point it at anything: what is looked at as root must be
 * root's, and must not wait, as a FIFO would.
 */
static bool is_trusted(uid_t account) {
	return account == 0 || account == geteuid();
}

static FILE *open_trusted(const char *path) {
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	FILE *stream;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    !is_trusted(status.st_uid))
		return NULL;
	stream = fdopen(fd, "r");
	if (stream)
		(void)TAKE_FD(fd);
	return stream;
}

static void read_directory(const char *path, struct findings *findings);

/* xinetd.conf(5): blocks of "name = value" lines; the main file may name a directory of more. */
static void read_file(const char *path, bool is_main, struct findings *findings) {
	AUTO_FILE FILE *stream = open_trusted(path);
	struct service service = {.file = path};
	char line[2048];

	while (stream && fgets(line, sizeof(line), stream)) {
		char *start = line + strspn(line, " \t");

		start[strcspn(start, "\r\n")] = '\0';
		if (strncmp(start, "service", 7) == 0)
			service = (struct service){.file = path};
		else if (is_main && strncmp(start, "includedir ", 11) == 0)
			read_directory(start + 11 + strspn(start + 11, " \t"), findings);
		else if (*start == '}')
			judge_service(&service, findings);
		else if (*start != '#')
			take_attribute(&service, start);
	}
}

static void read_directory(const char *path, struct findings *findings) {
	DIR *directory = opendir(path);
	struct dirent *entry;
	char file[512];

	if (!directory)
		return;
	/* xinetd leaves out names with a dot or a tilde at the end. */
	while ((entry = readdir(directory)))
		if (!strpbrk(entry->d_name, ".~") &&
		    snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) < (int)sizeof(file))
			read_file(file, false, findings);
	closedir(directory);
}

/* --- processes ------------------------------------------------------------------------------ */

static const char *xinetd_file(const char *const *words, size_t count) {
	for (size_t i = 1; i + 1 < count; i++)
		if (strcmp(words[i], "-f") == 0 || strcmp(words[i], "-filename") == 0)
			return words[i + 1];
	return XINETD_FILE;
}

static void look_at_process(void *context, pid_t pid) {
	struct findings *findings = context;
	const char *words[WORD_MAX];
	char buffer[4096];
	uid_t account;
	size_t count = proc_arguments(pid, buffer, sizeof(buffer), words, WORD_MAX);

	if (count == 0)
		return;
	if (arguments_show_password(words, count))
		finding_remedy(finding_add(findings, FINDING_PROBLEM,
					   "the arguments of process %d (%s) hold a password that "
					   "every user can read",
					   (int)pid, base_name(words[0])),
			       "[mysql] password_file, or an option file");
	if (strcmp(base_name(words[0]), "xinetd") == 0 && proc_account(pid, &account) &&
	    is_trusted(account))
		read_file(xinetd_file(words, count), true, findings);
}

void doctor_arguments(struct findings *findings) {
	size_t before = findings->count;

	proc_for_each(look_at_process, findings);
	if (findings->count == before)
		finding_add(findings, FINDING_OK, "no password in any process's arguments");
}
