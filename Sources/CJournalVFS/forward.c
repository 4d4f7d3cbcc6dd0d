#include "files.h"

static struct sqlite3_file *real_file(struct sqlite3_file *file) { return ((struct wrapped_file *)file)->real; }

int forward_lock(struct sqlite3_file *file, int level) {
    return real_file(file)->pMethods->xLock(real_file(file), level);
}

int forward_unlock(struct sqlite3_file *file, int level) {
    return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

int forward_check_lock(struct sqlite3_file *file, int *locked) {
    return real_file(file)->pMethods->xCheckReservedLock(real_file(file), locked);
}

int forward_control(struct sqlite3_file *file, int operation, void *argument) {
    return real_file(file)->pMethods->xFileControl(real_file(file), operation, argument);
}

int forward_sector(struct sqlite3_file *file) { return real_file(file)->pMethods->xSectorSize(real_file(file)); }

int forward_device(struct sqlite3_file *file) {
    return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}
