/* A stand-in for libnvidia-ml.so.1, so that the real nvidia-ml-py can be driven where there is no GPU.
 *
 * Two GPUs; the second one is cut into MIG slices.  Every reading of an energy counter is one poll: the
 * first GPU uses 50 J and the second 20 J from poll to poll.  STANDIN_NVML lists what goes wrong:
 *
 *   nodriver, mismatch   nvmlInit fails
 *   empty                there is no GPU
 *   reset                the first GPU's counter begins anew at its fifth reading
 *   lost                 the second GPU falls off the bus at its fourth reading
 *   hiccup               the first GPU's fourth reading fails once
 *   stuck                the first GPU's counter stands still
 *   gone                 the second GPU is lost before anybody asks
 *   module               both GPUs sit on one superchip module
 *   old                  no energy counter (before Volta)
 *   silent               no gauge either (a laptop)
 *
 * WITHOUT_ENERGY, WITHOUT_FIELDS and WITHOUT_GRAPHICS leave functions out, as old libraries do.
 */
#include <stdlib.h>
#include <string.h>

enum {
    SUCCESS = 0, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15,
    MISMATCH = 18, INVALID_ARGUMENT = 2, UNKNOWN = 999
};

typedef struct { int index; unsigned polls; } device_t;
typedef struct {
    unsigned fieldId, scopeId;
    long long timestamp, latencyUsec;
    unsigned valueType, nvmlReturn;
    union { double d; unsigned ui; unsigned long long ull; } value;
} field_t;
typedef struct { unsigned pid; unsigned long long memory; unsigned gi, ci; } process_t;
typedef struct { unsigned gpu, memory; } rates_t;
typedef struct { unsigned pid; unsigned long long time; unsigned sm, mem, enc, dec; } use_t;

static device_t devices[2] = {{0, 0}, {1, 0}};
static device_t slices[2] = {{2, 0}, {3, 0}};

static int wrong(const char *what) {
    const char *list = getenv("STANDIN_NVML");
    return list && strstr(list, what) != NULL;
}

static int lost(const device_t *device) {
    return device->index == 1 && wrong("lost") && device->polls > 3;
}

static int put(char *buffer, unsigned size, const char *text) {
    if (strlen(text) + 1 > size) return INSUFFICIENT_SIZE;
    strcpy(buffer, text);
    return SUCCESS;
}

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    if (wrong("nodriver")) return DRIVER_NOT_LOADED;
    return wrong("mismatch") ? MISMATCH : SUCCESS;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code == UNKNOWN ? "Unknown Error" : "an error"; }
int nvmlSystemGetDriverVersion(char *buffer, unsigned size) { return put(buffer, size, "999.01"); }

int nvmlDeviceGetCount_v2(unsigned *count) { *count = wrong("empty") ? 0 : 2; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, device_t **device) {
    if (index > 1) return INVALID_ARGUMENT;
    if (index == 1 && wrong("gone")) return GPU_IS_LOST;
    *device = &devices[index];
    return SUCCESS;
}
int nvmlDeviceGetUUID(device_t *device, char *buffer, unsigned size) {
    static const char *names[] = {
        "GPU-aaaaaaaa-0000-4000-8000-000000000001", "GPU-bbbbbbbb-0000-4000-8000-000000000002",
        "MIG-cccccccc-0000-4000-8000-000000000003", "MIG-dddddddd-0000-4000-8000-000000000004"};
    return put(buffer, size, names[device->index]);
}
int nvmlDeviceGetName(device_t *device, char *buffer, unsigned size) {
    return put(buffer, size, device->index ? "NVIDIA Stand-in 40GB" : "NVIDIA Stand-in 80GB");
}
int nvmlDeviceGetSerial(device_t *device, char *buffer, unsigned size) {
    (void)device;
    return wrong("module") ? put(buffer, size, "1650000000001") : NOT_SUPPORTED;
}

/* MIG: the slices exist, and have no power of their own */
int nvmlDeviceGetMigMode(device_t *device, unsigned *current, unsigned *pending) {
    *current = *pending = device->index == 1;
    return SUCCESS;
}
int nvmlDeviceGetMaxMigDeviceCount(device_t *device, unsigned *count) {
    *count = device->index == 1 ? 2 : 0;
    return SUCCESS;
}
int nvmlDeviceGetMigDeviceHandleByIndex(device_t *device, unsigned index, device_t **slice) {
    if (device->index != 1 || index > 1) return INVALID_ARGUMENT;
    *slice = &slices[index];
    return SUCCESS;
}

#ifndef WITHOUT_ENERGY
int nvmlDeviceGetTotalEnergyConsumption(device_t *device, unsigned long long *millijoules) {
    unsigned long long n;
    if (device->index > 1 || wrong("old") || wrong("silent")) return NOT_SUPPORTED;
    n = device->polls++;
    if (lost(device)) return GPU_IS_LOST;
    if (device->index == 1) { *millijoules = 2000000 + 20000 * n; return SUCCESS; }
    if (wrong("hiccup") && n == 3) return UNKNOWN;
    if (wrong("stuck")) { *millijoules = 1000000; return SUCCESS; }
    *millijoules = wrong("reset") && n >= 4 ? 7000 + 50000 * (n - 4) : 1000000 + 50000 * n;
    return SUCCESS;
}
#endif

int nvmlDeviceGetPowerUsage(device_t *device, unsigned *milliwatts) {
    if (device->index > 1 || wrong("silent")) return NOT_SUPPORTED;
    if (lost(device)) return GPU_IS_LOST;
    *milliwatts = device->index ? 60000 : 150000;
    return SUCCESS;
}
int nvmlDeviceGetEnforcedPowerLimit(device_t *device, unsigned *milliwatts) {
    if (device->index) return NOT_SUPPORTED;
    *milliwatts = 650000;
    return SUCCESS;
}

#ifndef WITHOUT_FIELDS
/* 185: mean of a second, only the first GPU; 186: instant.  Scope 0: board, 1: module, 2: memory */
int nvmlDeviceGetFieldValues(device_t *device, int count, field_t *fields) {
    int i;
    for (i = 0; i < count; i++) {
        field_t *f = &fields[i];
        int average = f->fieldId == 185, instant = f->fieldId == 186;
        f->nvmlReturn = NOT_SUPPORTED;
        f->valueType = 1;
        f->value.ui = 0;
        if (lost(device)) f->nvmlReturn = GPU_IS_LOST;
        else if (wrong("silent") || device->index > 1) continue;
        else if (f->scopeId == 0 && average && device->index == 0) { f->value.ui = 149000; f->nvmlReturn = SUCCESS; }
        else if (f->scopeId == 0 && instant) { f->value.ui = device->index ? 61000 : 151000; f->nvmlReturn = SUCCESS; }
        else if (f->scopeId == 1 && average && wrong("module")) { f->value.ui = device->index ? 460000 : 467000; f->nvmlReturn = SUCCESS; }
        else if (f->scopeId == 2 && average && device->index == 0) { f->value.ui = 30000; f->nvmlReturn = SUCCESS; }
    }
    return SUCCESS;
}
#endif

/* the first GPU is busy 40 %, the second one, with MIG, does not tell */
int nvmlDeviceGetUtilizationRates(device_t *device, rates_t *rates) {
    if (device->index) return NOT_SUPPORTED;
    *rates = (rates_t){40, 10};
    return SUCCESS;
}

/* two processes on the first GPU, busy 30 % and 10 %; the driver tells no shares with MIG */
int nvmlDeviceGetComputeRunningProcesses_v3(device_t *device, unsigned *count, process_t *found) {
    unsigned n = device->index < 2 ? 2 : 0;
    if (found == NULL || *count < n) { *count = n; return n ? INSUFFICIENT_SIZE : SUCCESS; }
    found[0] = (process_t){100 + 100u * device->index, 3000000000ull, 0xFFFFFFFF, 0xFFFFFFFF};
    found[1] = (process_t){101 + 100u * device->index, 1000000000ull, 0xFFFFFFFF, 0xFFFFFFFF};
    *count = n;
    return SUCCESS;
}
/* and a desktop on the first one, which was not busy */
#ifndef WITHOUT_GRAPHICS
int nvmlDeviceGetGraphicsRunningProcesses_v3(device_t *device, unsigned *count, process_t *found) {
    unsigned n = device->index == 0;
    if (n && (found == NULL || *count < n)) { *count = n; return INSUFFICIENT_SIZE; }
    if (n) found[0] = (process_t){102, 22000000ull, 0xFFFFFFFF, 0xFFFFFFFF};
    *count = n;
    return SUCCESS;
}
#endif
int nvmlDeviceGetProcessUtilization(device_t *device, use_t *found, unsigned *count, unsigned long long since) {
    (void)since;
    if (device->index) return NOT_SUPPORTED;
    if (found == NULL || *count < 2) { *count = 2; return INSUFFICIENT_SIZE; }
    found[0] = (use_t){100, 1, 30, 5, 0, 0};
    found[1] = (use_t){101, 1, 10, 5, 0, 0};
    *count = 2;
    return SUCCESS;
}
