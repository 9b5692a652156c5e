/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/memory.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * Only segments that are never writable: their pages are clean copies of the file. Relocated
 * read-only data (RELRO) lies in writable segments and must not be dropped.
 */
static int release_object(struct dl_phdr_info *info, size_t size, void *context) {
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)context;
	if (strncmp(info->dlpi_name, "linux-vdso", 10) == 0)
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t begin = (info->dlpi_addr + header->p_vaddr) & ~(page - 1);
		uintptr_t end = info->dlpi_addr + header->p_vaddr + header->p_memsz;

		if (header->p_type == PT_LOAD && !(header->p_flags & PF_W))
			madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

int memory_keep_private(void) {
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

void memory_release_startup(void) {
	malloc_trim(0);
	dl_iterate_phdr(release_object, NULL);
}
