#ifndef SETTLE_CZLIB_SHIM_H
#define SETTLE_CZLIB_SHIM_H
#include <zlib.h>
#endif
