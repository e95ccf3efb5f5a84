#include "mmx_kernels.h"
