// Everything that crosses a process or module border in C: the function ABI, the worker's frames, the zygote's.
#include "sluice_abi.h"
#include "sluice_wire.h"
#include "sluice_zygote.h"
