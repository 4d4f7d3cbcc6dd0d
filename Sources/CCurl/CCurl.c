#include "CCurl.h"

#include <dlfcn.h>

const char *ccurl_load(const char *library, ccurl_functions *functions) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *reason = dlerror();
        return reason ? reason : library;
    }
#define CCURL_FIND(name)                                                                                               \
    functions->name = (__typeof__(functions->name))dlsym(handle, "curl_" #name);                                       \
    if (!functions->name) {                                                                                            \
        dlclose(handle);                                                                                               \
        return "it lacks curl_" #name;                                                                                 \
    }
    CCURL_FUNCTIONS(CCURL_FIND)
#undef CCURL_FIND
    return 0;
}
