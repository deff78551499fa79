/* A machine whose energy counters are known, for the distribution's own turbostat.
 *
 * Preloaded into a copy of turbostat in which every CPUID instruction was replaced by UD2 (conftest.py does
 * that), it answers three things: CPUID, the files /dev/cpu/N/msr, and the topology below
 * /sys/devices/system/cpu.  Counters advance with the monotonic clock.  No register of the real machine is read.
 *
 *   BENCH_CPU        intel:SIGNATURE (CPUID.1:EAX in hexadecimal) or amd
 *   BENCH_PACKAGES   present the processors as this many packages
 *   BENCH_PKG_W BENCH_CORE_W BENCH_GFX_W BENCH_RAM_W BENCH_SYS_W   true watts, one per package ("42,30")
 *   BENCH_RAM_UJ     microjoules of one count of the DRAM counters
 *   BENCH_START      first count of every 32-bit counter
 *   BENCH_DENY       nodev, open (EPERM), access (EACCES) or cap (no CAP_SYS_RAWIO)
 *   BENCH_GONE       path of a file: once it exists, reading a register fails with EIO
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <x86intrin.h>

#define FILES 65536
#define REAL(result, name, ...) ((result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

static double started;
static int processor_behind[FILES]; /* processor number + 1 of an open register file */

/* --- what the test asked for --------------------------------------------------------------------- */

static const char *wish(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* the n-th number of a comma list; the last one repeats */
static double number(const char *name, int n, double otherwise)
{
	const char *value = wish(name), *comma;
	if (!value)
		return otherwise;
	while (n-- > 0 && (comma = strchr(value, ',')))
		value = comma + 1;
	return atof(value);
}

static int denied(const char *how)
{
	const char *value = wish("BENCH_DENY");
	return value && !strcmp(value, how);
}

static int processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	return n > 0 ? (int)n : 1;
}

static int packages(void)
{
	int n = (int)number("BENCH_PACKAGES", 0, 0);
	return n > processors() ? processors() : n;
}

static int package_of(int processor)
{
	return packages() ? processor * packages() / processors() : 0;
}

/* --- CPUID --------------------------------------------------------------------------------------- */

static void set_vendor(unsigned r[4], const char *name)
{
	memcpy(&r[1], name, 4);
	memcpy(&r[3], name + 4, 4);
	memcpy(&r[2], name + 8, 4);
}

static void set(unsigned r[4], unsigned a, unsigned b, unsigned c, unsigned d)
{
	r[0] = a, r[1] = b, r[2] = c, r[3] = d;
}

static void answer_cpuid(unsigned leaf, unsigned subleaf, unsigned r[4]) /* EAX EBX ECX EDX */
{
	const char *cpu = wish("BENCH_CPU");

	__cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
	if (cpu && !strcmp(cpu, "amd")) {
		if (leaf == 0) {
			r[0] = r[0] < 6 ? 6 : r[0];
			set_vendor(r, "AuthenticAMD");
		} else if (leaf == 1) {
			r[0] = 0x00a00f11; /* family 19h */
		} else if (leaf == 6) {
			r[2] |= 1; /* APERF, MPERF */
		} else if (leaf == 0x80000000) {
			r[0] = r[0] < 0x80000008 ? 0x80000008 : r[0];
		} else if (leaf == 0x80000007) {
			r[3] |= 1 << 14 | 1 << 8; /* RAPL, invariant TSC */
		}
	} else if (cpu && !strncmp(cpu, "intel:", 6)) {
		if (leaf == 0) {
			r[0] = 0x16;
			set_vendor(r, "GenuineIntel");
		} else if (leaf == 1) {
			set(r, (unsigned)strtoul(cpu + 6, NULL, 16), r[1], 0x189, 0x30400030);
		} else if (leaf == 6) {
			set(r, 0x77, 2, 9, 0); /* temperature, turbo; APERF, energy bias */
		} else if (leaf == 7) {
			set(r, 0, 0, 0, 0);
		} else if (leaf == 0x15) {
			set(r, 2, 216, 24000000, 0);
		} else if (leaf == 0x16) {
			set(r, 2600, 3500, 100, 0);
		} else if (leaf == 0x80000000) {
			set(r, 0x80000008, 0, 0, 0);
		} else if (leaf == 0x80000007) {
			set(r, 0, 0, 0, 1 << 8);
		}
	}
}

static void on_ud2(int sig, siginfo_t *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	const unsigned char *at = (const unsigned char *)g[REG_RIP];
	unsigned r[4];

	(void)sig, (void)info;
	if (at[0] != 0x0f || at[1] != 0x0b)
		abort();
	answer_cpuid((unsigned)g[REG_RAX], (unsigned)g[REG_RCX], r);
	g[REG_RAX] = r[0], g[REG_RBX] = r[1], g[REG_RCX] = r[2], g[REG_RDX] = r[3];
	g[REG_RIP] += 2;
}

/* --- model-specific registers -------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t count(const char *watts, int n, double otherwise, double joules_per_count)
{
	double joules = (now() - started) * number(watts, n, otherwise);
	return (uint32_t)(uint64_t)(joules / joules_per_count + number("BENCH_START", 0, 123456));
}

static uint64_t answer_register(int processor, uint32_t address)
{
	const double intel = 0x1p-14, amd = 0x1p-16;
	int package = package_of(processor);

	switch (address) {
	case 0x10: return __rdtsc();
	case 0xe7: case 0xe8: return __rdtsc() / 2; /* MPERF, APERF */
	case 0xce: return 0x00080000f1011a00; /* base ratio 26 */
	case 0x606: return 0x000a0e03; /* Intel's units: 2^-3 W, 2^-14 J, 2^-10 s */
	case 0x614: return 0x3e8; /* 125 W */
	case 0x611: return count("BENCH_PKG_W", package, 42, intel);
	case 0x639: return count("BENCH_CORE_W", package, 3.5, intel);
	case 0x641: return count("BENCH_GFX_W", package, 1, intel);
	case 0x619: return count("BENCH_RAM_W", package, 5, number("BENCH_RAM_UJ", 0, intel * 1e6) * 1e-6);
	case 0x64d: return count("BENCH_SYS_W", 0, 80, intel);
	case 0xc0010299: return 0x000a1003; /* AMD's units: 2^-16 J */
	case 0xc001029a: return count("BENCH_CORE_W", package, 3.5, amd);
	case 0xc001029b: return count("BENCH_PKG_W", package, 42, amd);
	default: return 0;
	}
}

static int is_register_file(const char *path, int *processor)
{
	char tail[8] = "";
	return path && sscanf(path, "/dev/cpu/%d/%7s", processor, tail) == 2 && !strcmp(tail, "msr");
}

static int refusal(int opening)
{
	errno = denied("nodev") ? ENOENT : denied("access") ? EACCES : opening && denied("open") ? EPERM : 0;
	return errno ? -1 : 0;
}

/* the perf route of newer versions would find the real machine */
static int is_hidden(const char *path)
{
	return path && strstr(path, "/sys/bus/event_source/devices/power/") == path;
}

static int open_file(const char *name, const char *path, int flags, mode_t mode)
{
	int processor, fd;

	if (is_hidden(path)) {
		errno = ENOENT;
		return -1;
	}
	if (!is_register_file(path, &processor)) {
		fd = REAL(int, name, const char *, int, ...)(path, flags, mode);
		processor = -1;
	} else {
		if (refusal(1))
			return -1;
		fd = REAL(int, name, const char *, int, ...)("/dev/null", O_RDONLY);
	}
	if (fd >= 0 && fd < FILES)
		processor_behind[fd] = processor + 1;
	return fd;
}

#define OPEN(name)                                        \
	int name(const char *path, int flags, ...)        \
	{                                                 \
		va_list rest;                             \
		va_start(rest, flags);                    \
		mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
		va_end(rest);                             \
		return open_file(#name, path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

static ssize_t read_register(const char *name, int fd, void *buffer, size_t size, off_t address)
{
	const char *gone = wish("BENCH_GONE");
	uint64_t value;

	if (fd < 0 || fd >= FILES || !processor_behind[fd])
		return REAL(ssize_t, name, int, void *, size_t, off_t)(fd, buffer, size, address);
	if (size != sizeof value || (gone && !REAL(int, "access", const char *, int)(gone, F_OK))) {
		errno = EIO;
		return -1;
	}
	value = answer_register(processor_behind[fd] - 1, (uint32_t)address);
	memcpy(buffer, &value, sizeof value);
	return sizeof value;
}

ssize_t pread(int fd, void *buffer, size_t size, off_t at) { return read_register("pread", fd, buffer, size, at); }
ssize_t pread64(int fd, void *buffer, size_t size, off_t at) { return read_register("pread64", fd, buffer, size, at); }

#define ACCESS(name)                                                                           \
	int name(const char *path, int mode)                                                   \
	{                                                                                      \
		int processor;                                                                 \
		return is_register_file(path, &processor) ? refusal(0)                         \
							  : REAL(int, #name, const char *, int)(path, mode); \
	}
ACCESS(access)
ACCESS(euidaccess)

#define STAT(name, type)                                                                         \
	int name(const char *path, struct type *facts)                                           \
	{                                                                                        \
		int processor;                                                                   \
		if (!is_register_file(path, &processor))                                         \
			return REAL(int, #name, const char *, struct type *)(path, facts);       \
		if (denied("nodev")) {                                                           \
			errno = ENOENT;                                                          \
			return -1;                                                               \
		}                                                                                \
		memset(facts, 0, sizeof *facts);                                                 \
		facts->st_mode = S_IFCHR | 0600;                                                 \
		return 0;                                                                        \
	}
STAT(stat, stat)
STAT(stat64, stat64)

/* --- topology ------------------------------------------------------------------------------------ */

/* the text of one file when the processors are presented as packages; every processor is a core of its own */
static char *topology(const char *path)
{
	char name[32], *text = NULL;
	int processor, first, last, total = processors();

	if (!packages() || !path || sscanf(path, "/sys/devices/system/cpu/cpu%d/topology/%31s", &processor, name) != 2 ||
	    processor < 0 || processor >= total)
		return NULL;
	for (first = processor; first > 0 && package_of(first - 1) == package_of(processor);)
		first--;
	for (last = processor; last + 1 < total && package_of(last + 1) == package_of(processor);)
		last++;
	int made = -1;
	if (!strcmp(name, "physical_package_id"))
		made = asprintf(&text, "%d\n", package_of(processor));
	else if (!strcmp(name, "die_id"))
		made = asprintf(&text, "0\n");
	else if (!strcmp(name, "core_id"))
		made = asprintf(&text, "%d\n", processor - first);
	else if (!strcmp(name, "thread_siblings_list"))
		made = asprintf(&text, "%d\n", processor);
	else if (!strcmp(name, "core_siblings_list") || !strcmp(name, "package_cpus_list"))
		made = first == last ? asprintf(&text, "%d\n", first) : asprintf(&text, "%d-%d\n", first, last);
	else if (!strcmp(name, "thread_siblings") && total <= 32)
		made = asprintf(&text, "%08x\n", 1u << processor);
	return made < 0 ? NULL : text;
}

#define FOPEN(name)                                                                \
	FILE *name(const char *path, const char *mode)                             \
	{                                                                          \
		char *text = topology(path);                                       \
		if (text)                                                          \
			return fmemopen(text, strlen(text), "r");                  \
		if (is_hidden(path)) {                                             \
			errno = ENOENT;                                            \
			return NULL;                                               \
		}                                                                  \
		return REAL(FILE *, #name, const char *, const char *)(path, mode); \
	}
FOPEN(fopen)
FOPEN(fopen64)

/* --- rights that turbostat wants and does not need here ------------------------------------------ */

static int priority;
int setpriority(__priority_which_t which, id_t who, int value) { (void)which, (void)who; priority = value; return 0; }
int getpriority(__priority_which_t which, id_t who) { (void)which, (void)who; return priority; }
int setrlimit(__rlimit_resource_t what, const struct rlimit *limit) { (void)what, (void)limit; return 0; }
int setrlimit64(__rlimit_resource_t what, const struct rlimit64 *limit) { (void)what, (void)limit; return 0; }

int cap_get_flag(void *set_of, int capability, int flag, int *value) /* of libcap */
{
	(void)set_of, (void)capability, (void)flag;
	*value = !denied("cap");
	return 0;
}

__attribute__((constructor)) static void begin(void)
{
	struct sigaction action = { .sa_sigaction = on_ud2, .sa_flags = SA_SIGINFO | SA_NODEFER };

	started = now();
	sigaction(SIGILL, &action, NULL);
}
