// sluice-worker: runs one version of one function. Started by the host alone (sluice_zygote.h tells how).
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "wire.h"
#include "worker.h"

static void answer_load(const char *body, uint32_t code, uint16_t type) {
    struct wire wire;
    wire_open(&wire, SLUICE_CONTROL_FD);
    sluice_frame frame = {.length = (uint32_t)strlen(body), .type = type, .code = code};
    if (wire_send(&wire, &frame, body, -1) != 0) _exit(0);
    free(wire.buffer);
}

int main(int count, char **arguments) {
    bool zygote = count == 3 && strcmp(arguments[1], "--zygote") == 0;
    if (!zygote && !(count == 3 && strcmp(arguments[1], "--worker") == 0)) {
        fputs("sluice-worker is started by `sluice up`; it is of no use by itself.\n", stderr);
        return 2;
    }
    // Dies with the host, and at once if that has happened before the line took effect.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)atol(arguments[2])) return 0;
    fcntl(SLUICE_CONTROL_FD, F_SETFD, FD_CLOEXEC);
    fcntl(SLUICE_CRASH_FD, F_SETFD, FD_CLOEXEC);
    // `print` to a pipe would be lost at a kill.
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stderr, NULL, _IOLBF, 0);
    crash_install();
    allocation_prepare();

    // Static: the first thread gives its stack away when it becomes the main queue's.
    static struct load_request request;
    request = load_receive();
    if (!zygote) {
        // Before the module is loaded: threads that it starts are confined too. The manifest tells what there is.
        limits_offer_to_oom_killer();
        confine(request.scratch);
    }
    limits_apply_memory(&request.limits);
    static struct module module;
    char *body = NULL;
    bool can_fork = false;
    uint32_t code = load_prepare(&request, &module, &body, &can_fork);
    fflush(NULL);
    if (zygote) {
        answer_load(body, code, SLUICE_FRAME_LOADED);
        // Where the module cannot be forked the host reads so in the manifest and closes the socket.
        if (code != 0) _exit(0);
        zygote_run(&request, &module);
    }
    if (code != 0) {
        answer_load(body, 1, SLUICE_FRAME_READY);
        _exit(0);
    }
    serve(&request, &module, body);
}
