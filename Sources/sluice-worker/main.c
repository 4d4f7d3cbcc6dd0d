// sluice-worker zygote | worker PARENT: started by the host, never by a person.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

int main(int count, char **arguments) {
    if (count != 3) {
        fputs("sluice-worker is started by sluice; there is nothing to do with it by hand\n", stderr);
        return 2;
    }
    process_detach((pid_t)atol(arguments[2]));
    if (strcmp(arguments[1], "zygote") == 0) return zygote_run(SLUICE_CONTROL_FD);
    if (strcmp(arguments[1], "worker") == 0) return worker_run(SLUICE_CONTROL_FD, SLUICE_CRASH_FD);
    return 2;
}
