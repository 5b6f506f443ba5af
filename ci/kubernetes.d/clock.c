// A wall clock that is BOOTGATE_CLOCK seconds off, for the programs of one node: LD_PRELOAD=clock.so.
//
// The kernel has one wall clock for the whole computer, and time namespaces move only the monotonic ones.
// Programs in C ask libc, in whose place this answers. Programs in Go ask the vDSO, an ELF image of the
// kernel's that they find by its address in the auxiliary vector: before they start they get another one.
// Only the wall clock is moved. A wait until an instant of the wall clock (rare) is not.
#include <elf.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static long offset;

static long ask(clockid_t clock, struct timespec *now) {
    long got;
#if defined __x86_64__
    __asm__ volatile("syscall" : "=a"(got) : "0"((long)SYS_clock_gettime), "D"((long)clock), "S"(now)
                     : "rcx", "r11", "memory");
#elif defined __aarch64__
    register long number __asm__("x8") = SYS_clock_gettime, first __asm__("x0") = clock, second __asm__("x1") = (long)now;
    __asm__ volatile("svc 0" : "+r"(first) : "r"(number), "r"(second) : "memory");
    got = first;
#endif
    if (got == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset;
    return got;
}

int clock_gettime(clockid_t clock, struct timespec *now) { return ask(clock, now) ? -1 : 0; }

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    ask(CLOCK_REALTIME, &exact);
    *now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *now) {
    struct timespec exact;
    ask(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}

// What Go's runtime reads of a vDSO: one loaded segment at 0, and its symbols by a hash table of one
// bucket, all of the one version that it looks for.
#if defined __x86_64__
#define NAMES "\0__vdso_clock_gettime\0__vdso_gettimeofday\0LINUX_2.6"
enum { FIRST = 1, SECOND = 22, VERSION = 42, VERSION_HASH = 0x3ae75f6 };
#elif defined __aarch64__
#define NAMES "\0__kernel_clock_gettime\0__kernel_gettimeofday\0LINUX_2.6.39"
enum { FIRST = 1, SECOND = 24, VERSION = 46, VERSION_HASH = 0x75fcb89 };
#endif
static struct image {
    Elf64_Ehdr head;
    Elf64_Phdr part[2];
    Elf64_Dyn dynamic[6];
    Elf64_Sym symbol[3];
    Elf64_Word hash[6];
    Elf64_Verdef version;
    Elf64_Verdaux version_name;
    Elf64_Half version_of[3];
    char names[64];
} vdso = {
    .head = {.e_phoff = offsetof(struct image, part), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2},
    .part = {{.p_type = PT_LOAD, .p_filesz = sizeof(struct image), .p_memsz = sizeof(struct image)},
             {.p_type = PT_DYNAMIC, .p_offset = offsetof(struct image, dynamic)}},
    .dynamic = {{DT_STRTAB, {offsetof(struct image, names)}},
                {DT_SYMTAB, {offsetof(struct image, symbol)}},
                {DT_HASH, {offsetof(struct image, hash)}},
                {DT_VERSYM, {offsetof(struct image, version_of)}},
                {DT_VERDEF, {offsetof(struct image, version)}}},
    .symbol = {{0}, {FIRST, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, 0, 1},
               {SECOND, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, 0, 1}},
    .hash = {1, 3, 1, 0, 2, 0}, // 1 bucket, 3 symbols; the bucket begins with symbol 1, after which comes 2
    .version = {.vd_version = 1, .vd_ndx = 2, .vd_cnt = 1, .vd_hash = VERSION_HASH, .vd_aux = sizeof(Elf64_Verdef)},
    .version_name = {.vda_name = VERSION},
    .version_of = {0, 2, 2},
    .names = NAMES,
};

__attribute__((constructor)) static void begin(int argc, char **argv, char **environment) {
    (void)argc, (void)argv;
    for (; *environment; environment++) {
        const char *name = "BOOTGATE_CLOCK=", *text = *environment;
        while (*name && *name == *text) name++, text++;
        if (*name) continue;
        const int minus = *text == '-';
        long seconds = 0;
        for (text += minus; *text >= '0' && *text <= '9'; text++) seconds = seconds * 10 + *text - '0';
        offset = minus ? -seconds : seconds;
    }
    vdso.symbol[1].st_value = (Elf64_Addr)clock_gettime - (Elf64_Addr)&vdso;
    vdso.symbol[2].st_value = (Elf64_Addr)gettimeofday - (Elf64_Addr)&vdso;
    for (Elf64_auxv_t *entry = (Elf64_auxv_t *)(environment + 1); entry->a_type != AT_NULL; entry++)
        if (entry->a_type == AT_SYSINFO_EHDR) entry->a_un.a_val = (Elf64_Addr)&vdso;
}
