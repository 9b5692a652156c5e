/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

void proc_for_each(void (*visit)(void *context, pid_t pid), void *context) {
	DIR *directory = opendir("/proc");
	struct dirent *entry;

	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid > 0 && pid != getpid())
			visit(context, pid);
	}
	closedir(directory);
}

size_t proc_read(pid_t pid, const char *name, char *buffer, size_t size) {
	char path[64];
	AUTO_CLOSE int fd = -1;
	size_t length = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, buffer + length, size - 1 - length)) > 0)
		length += (size_t)n;
	buffer[length] = '\0';
	return length;
}

void proc_name(pid_t pid, char *name, size_t size) {
	proc_read(pid, "comm", name, size);
	name[strcspn(name, "\n")] = '\0';
}

size_t proc_arguments(pid_t pid, char *buffer, size_t size, const char **words, size_t max) {
	size_t length = proc_read(pid, "cmdline", buffer, size);
	size_t count = 0;

	for (size_t at = 0; at < length && count < max; at += strlen(buffer + at) + 1)
		words[count++] = buffer + at;
	return count;
}

bool proc_account(pid_t pid, uid_t *account) {
	unsigned int real, effective, saved, files;
	char buffer[1024];
	const char *line;

	/* Not the owner of /proc/PID, which is root for whoever keeps its memory private. */
	proc_read(pid, "status", buffer, sizeof(buffer));
	line = strstr(buffer, "\nUid:");
	if (!line || sscanf(line, " Uid: %u %u %u %u", &real, &effective, &saved, &files) != 4)
		return false;
	*account = real;
	return effective == real && saved == real && files == real;
}

/* One row per socket, the listening ones first; state 0A is the kernel's TCP_LISTEN. */
static bool account_listens(const char *table, uid_t account) {
	AUTO_FILE FILE *stream = fopen(table, "re");
	unsigned int state, uid;
	char line[512];

	while (stream && fgets(line, sizeof(line), stream))
		if (sscanf(line, " %*d: %*s %*s %x %*s %*s %*s %u", &state, &uid) == 2 &&
		    state == 0x0A && uid == account)
			return true;
	return false;
}

bool proc_account_listens(uid_t account) {
	/* Not /proc/net, which a unit with ProcSubset=pid does not see. */
	return account_listens("/proc/self/net/tcp", account) ||
	       account_listens("/proc/self/net/tcp6", account);
}
