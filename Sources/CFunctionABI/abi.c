#include "sluice_abi.h"
#include "sluice_wire.h"
