// A target needs a source; this one proves that the headers stand by themselves.
#include "sluice_abi.h"
#include "sluice_wire.h"
#include "sluice_zygote.h"
