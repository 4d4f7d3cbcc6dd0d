#define _GNU_SOURCE
#include "CLinux.h"
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

// The program itself comes first among the objects. Only segments that are never written: what the dynamic linker or the
// program has changed lies in others, and would be lost.
static int clinux_return_segments(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    (void)context;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
        if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 1;
}

void clinux_return_program_pages(void) {
    dl_iterate_phdr(clinux_return_segments, NULL);
}
